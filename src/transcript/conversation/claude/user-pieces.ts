import {excerpt} from '../limits.js'
import type {Media} from '../model.js'
import {objectField} from '../../summary-fields.js'
import {note} from './note.js'
import {blocksOf, contentOf, count, type EntryContext, type Fields, mediaIn, objects, text, word} from './entry.js'
import {hunksOf} from './patch.js'
import type {Piece, ResultPiece} from './pieces.js'

const INTERRUPTED = '[Request interrupted by user'

/** What a `user` entry holds: a prompt, results of tools, commands, or something that claude says to the model in the user's place. */
export function userPieces(context: EntryContext): readonly Piece[] {
  const {entry} = context
  const content = objectField(entry['message'])?.['content']
  if (entry['isCompactSummary'] === true) {
    const summary = contentOf(content, context.limits.text).content
    return [{kind: 'summary', key: context.nextKey(), ...context.base, text: summary}]
  }
  const pieces: Piece[] = []
  const said: string[] = []
  const media: Media[] = []
  for (const block of blocksOf(content)) {
    const words = text(block['text'])
    if (block['type'] === 'tool_result') pieces.push(resultPiece(context, block))
    else if (words === undefined) media.push(...mediaIn(block))
    else {
      const special = entry['isMeta'] === true ? note(context, 'meta', words, true) : specialPiece(context, words)
      if (special) pieces.push(special)
      else if (words.trim() !== '') said.push(words)
    }
  }
  if (said.length > 0 || media.length > 0) {
    const prompt = excerpt(said.join('\n'), context.limits.text)
    pieces.push({kind: 'prompt', key: context.nextKey(), ...context.base, text: prompt, media})
  }
  return pieces
}

/** A prompt that was typed while the agent worked, or something else that it was told then. */
export function queuedPiece(context: EntryContext, attachment: Fields): Piece | undefined {
  const {content, media} = contentOf(attachment['prompt'], context.limits.text)
  const special = specialPiece(context, content.text)
  if (special) return special
  return {kind: 'prompt', key: context.nextKey(), ...context.base, text: content, media}
}

/** What stands between tags was not typed by anybody. */
function specialPiece(context: EntryContext, words: string): Piece | undefined {
  const {base, limits} = context
  if (words.startsWith(INTERRUPTED)) {
    return {kind: 'interruption', key: context.nextKey(), ...base, text: excerpt(words, limits.output)}
  }
  const [, tag] = /^\s*<([a-z][a-z0-9_-]{0,63})>/.exec(words) ?? []
  switch (tag) {
    case undefined:
      return undefined
    case 'command-name':
    case 'command-message': {
      const name = within(words, 'command-name') ?? ''
      const args = excerpt(within(words, 'command-args') ?? '', limits.text)
      return {kind: 'command', key: context.nextKey(), ...base, name, args}
    }
    case 'bash-input': {
      const args = excerpt(within(words, 'bash-input') ?? '', limits.text)
      return {kind: 'command', key: context.nextKey(), ...base, name: '!', args}
    }
    case 'local-command-stdout':
    case 'local-command-stderr':
    case 'bash-stdout':
    case 'bash-stderr': {
      const output = ['local-command-stdout', 'local-command-stderr', 'bash-stdout', 'bash-stderr']
        .flatMap((each) => within(words, each) ?? [])
        .filter((each) => each !== '')
      const printed = excerpt(output.join('\n'), limits.output)
      return {kind: 'output', key: context.nextKey(), ...base, text: printed}
    }
    case 'task-notification': {
      const about = [within(words, 'summary'), within(words, 'result')].filter((each) => each !== undefined)
      return note(context, 'task', about.length > 0 ? about.join('\n') : words, false)
    }
    case 'system-reminder':
    case 'local-command-caveat':
    case 'user-prompt-submit-hook':
      return note(context, tag, words, true)
    default:
      return tag.startsWith('ide_') ? note(context, tag, words, true) : undefined
  }
}

/** What stands between `<tag>` and `</tag>`; to the end where it is not closed. */
function within(words: string, tag: string): string | undefined {
  const start = words.indexOf(`<${tag}>`)
  if (start === -1) return undefined
  const from = start + tag.length + 2
  const end = words.indexOf(`</${tag}>`, from)
  return words.slice(from, end === -1 ? undefined : end).trim()
}

/** @param block a result, in whosever message it stands. */
export function resultPiece(context: EntryContext, block: Fields): ResultPiece {
  const {entry, limits, base} = context
  // What the tool itself gave says more than what the model was told; where an entry holds several results it cannot be put to one.
  const alone = blocksOf(objectField(entry['message'])?.['content']).length === 1
  const given = alone ? objectField(entry['toolUseResult']) : undefined
  const path = word(given?.['persistedOutputPath'])
  const agentId = word(given?.['agentId'])
  const patch = given && hunksOf(objects(given['structuredPatch']), limits.output)
  return {
    kind: 'result',
    key: context.nextKey(),
    ...base,
    callId: word(block['tool_use_id']) ?? '',
    ...contentOf(block['content'], limits.output),
    isError: block['is_error'] === true,
    ...(path !== undefined && {file: {path, bytes: count(given?.['persistedOutputSize']) ?? 0}}),
    ...(patch && patch.hunks.length > 0 && {patch}),
    ...(agentId !== undefined && {agentId}),
  }
}
