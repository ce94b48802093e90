import {boundedValue, EMPTY, excerpt, type Limits} from '../limits.js'
import type {EntryPlace} from '../model.js'
import {objectField, timeField} from '../../summary-fields.js'
import {note} from './note.js'
import {blocksOf, count, type EntryContext, type Fields, text, word} from './entry.js'
import type {Piece} from './pieces.js'
import {queuedPiece, resultPiece, userPieces} from './user-pieces.js'

/**
 * What an entry gives to a conversation, each piece with a key of its own, the same whenever it is read. Takes whatever stands in it,
 * and never throws.
 */
export function entryPieces(entry: Fields, uuid: string, place: EntryPlace, limits: Limits): readonly Piece[] {
  const time = timeField(entry['timestamp'])
  let keys = 0
  const base = {place, ...(time !== undefined && {time})}
  return piecesIn({entry, limits, base, nextKey: () => `${uuid}#${keys++}`})
}

function piecesIn(context: EntryContext): readonly Piece[] {
  const {entry} = context
  switch (entry['type']) {
    case 'user':
      return userPieces(context)
    case 'assistant':
      return assistantPieces(context)
    case 'system':
      return systemPieces(context)
    case 'attachment':
      return attachmentPieces(context)
    case 'progress':
      return []
    default:
      return [note(context, word(entry['type']) ?? '?', '', true)]
  }
}

function assistantPieces(context: EntryContext): readonly Piece[] {
  const {entry, base, limits} = context
  const message = objectField(entry['message'])
  const messageId = word(message?.['id'])
  const model = word(message?.['model'])
  const isOwn = model?.startsWith('<') ?? false
  const answer = {
    ...base,
    ...(messageId !== undefined && {messageId}),
    ...(model !== undefined && !isOwn && {model}),
  }
  return blocksOf(message?.['content']).map((block): Piece => {
    const words = text(block['text']) ?? ''
    if (entry['isApiErrorMessage'] === true) {
      const status = count(entry['apiErrorStatus'])
      const said = excerpt(words, limits.text)
      return {kind: 'failure', key: context.nextKey(), ...base, text: said, ...(status !== undefined && {status})}
    }
    // What claude itself writes in the model's place, to fill a gap.
    if (isOwn) return note(context, 'synthetic', words, true)
    switch (block['type']) {
      case 'text':
        return {kind: 'said', key: context.nextKey(), ...answer, text: excerpt(words, limits.text)}
      case 'thinking':
      case 'redacted_thinking': {
        const thought = excerpt(text(block['thinking']) ?? '', limits.output)
        return {kind: 'thinking', key: context.nextKey(), ...answer, text: thought}
      }
      case 'tool_use':
      case 'server_tool_use':
      case 'mcp_tool_use': {
        const {value, isCut} = boundedValue(block['input'], limits.output)
        const [id, name] = [word(block['id']) ?? '', word(block['name']) ?? '?']
        return {kind: 'tool', key: context.nextKey(), ...answer, id, name, input: value, inputIsCut: isCut}
      }
      default:
        if (word(block['tool_use_id']) !== undefined) return resultPiece(context, block)
        return note(context, word(block['type']) ?? '?', words, true)
    }
  })
}

/** Kinds that say something to the user. All others are claude's own accounts. */
const TOLD = new Set(['informational', 'away_summary', 'model_fallback', 'model_refusal_fallback', 'permission_retry'])

function systemPieces(context: EntryContext): readonly Piece[] {
  const {entry, base, limits} = context
  const subtype = word(entry['subtype']) ?? 'system'
  const content = text(entry['content']) ?? ''
  if (subtype === 'compact_boundary') {
    const said = objectField(entry['compactMetadata'])
    const trigger = word(said?.['trigger'])
    const [before, after] = [count(said?.['preTokens']), count(said?.['postTokens'])]
    return [
      {
        kind: 'boundary',
        key: context.nextKey(),
        ...base,
        ...(trigger !== undefined && {trigger}),
        ...(before !== undefined && {tokensBefore: before}),
        ...(after !== undefined && {tokensAfter: after}),
      },
    ]
  }
  if (subtype === 'local_command') return userPieces({...context, entry: {message: {content}}})
  if (subtype === 'api_error' || entry['level'] === 'error') {
    const error = objectField(entry['error'])
    const status = count(error?.['status'])
    const said = content || text(error?.['message']) || text(objectField(error?.['cause'])?.['code']) || subtype
    const failure = {kind: 'failure', key: context.nextKey(), ...base, text: excerpt(said, limits.output)} as const
    return [{...failure, ...(status !== undefined && {status})}]
  }
  return [note(context, subtype, content, !TOLD.has(subtype) || content === '')]
}

/** Kinds that a person gave along; all others are what claude tells the model of its surroundings. */
const GIVEN = new Set([
  'file',
  'directory',
  'image',
  'pdf_reference',
  'mcp_resource',
  'selected_lines_in_ide',
  'edited_text_file',
])

function attachmentPieces(context: EntryContext): readonly Piece[] {
  const {entry, base} = context
  const attachment = objectField(entry['attachment']) ?? {}
  const type = word(attachment['type']) ?? '?'
  if (type === 'queued_command') {
    const queued = queuedPiece(context, attachment)
    return queued ? [queued] : []
  }
  const name = nameOf(attachment)
  const given = {key: context.nextKey(), ...base, type, name: name === undefined ? EMPTY : excerpt(name, 1024)}
  return [{kind: 'attachment', ...given, internal: !GIVEN.has(type)}]
}

function nameOf(attachment: Fields): string | undefined {
  const names = ['displayPath', 'filename', 'path', 'uri', 'name']
  return names.map((each) => word(attachment[each])).find((each) => each !== undefined)
}
