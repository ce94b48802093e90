import type {ReadChain, ReadSession} from '../../inspect/read-chain.js'
import type {Boundary, Conversation, Excerpt, Item, Media, ToolCall, Turn} from '../../transcript/conversation/model.js'
import {isShown} from '../../transcript/conversation/turns.js'
import {formatBytes} from '../bytes.js'
import {totalsLines} from '../conversation/totals-lines.js'
import {changeSum} from '../conversation/change-lines.js'
import {headOf, unwrapped} from '../conversation/tool-lines.js'
import {codeBlock, codeSpan, markdownText, plainLine, quoted} from './markdown-text.js'
import * as words from './words.js'

/** Outputs of more lines stand folded, where a viewer folds. */
const LONG = 12

/** A chain of sessions as Markdown, turn by turn. Nothing is left out but what is not meant for people. */
export function* markdownDocument(chain: ReadChain): Iterable<string> {
  yield `# ${plainLine(words.documentTitle(chain))}\n`
  for (const session of chain.sessions) yield* sessionText(session)
  const totals = totalsLines(chain, {width: Infinity, color: false, full: true})
  yield `\n---\n\n${totals.map((line) => `- ${plainLine(line)}`).join('\n')}\n`
}

function* sessionText(session: ReadSession): Iterable<string> {
  const {conversation} = session
  const facts = words.sessionFacts(session).map((fact) => codeSpan(fact))
  yield `\nSession ${codeSpan(conversation.sessionId)}: ${facts.join(' · ')}\n`
  for (const turn of conversation.turns) yield turnText(turn)
  for (const {turns} of conversation.beside) {
    yield '\n## Beside the conversation: what was left\n'
    for (const turn of turns) yield blocksText(turn.items.flatMap(itemBlocks))
  }
  if (conversation.subagents.length === 0) return
  yield '\n## Subagents that no call here has started\n'
  for (const subagent of conversation.subagents) yield blocksText(subagentBlocks(subagent))
}

function turnText({number, items}: Turn): string {
  const blocks = items.flatMap(itemBlocks)
  if (blocks.length === 0) return ''
  const time = words.turnTime(items)
  const heading = plainLine(words.turnHeading(items))
  const head = `## ${number}.${heading === '' ? '' : ` ${heading}`}`
  return blocksText([head, ...(time === undefined ? [] : [`*${time}*`]), ...blocks])
}

function blocksText(blocks: readonly string[]): string {
  return blocks.map((block) => `\n${block}\n`).join('')
}

function itemBlocks(item: Item): readonly string[] {
  if (!isShown(item)) return []
  switch (item.kind) {
    case 'prompt':
      return [
        quoted([markdownText(item.text.text), ...mediaLines(item.media)].filter((each) => each !== '').join('\n\n')),
      ]
    case 'said':
      return textBlocks(item.text)
    case 'thinking':
      return item.text.length === 0 ? [] : [details('Thinking', markdownText(item.text.text))]
    case 'command':
      return [quoted(codeSpan(words.commandText(item))), ...(item.output ? outputBlocks('Output', item.output) : [])]
    case 'tool':
      return toolBlocks(item)
    case 'failure':
      return [`**Failed${item.status === undefined ? '' : ` (${item.status})`}**`, ...textBlocks(item.text)]
    case 'interruption':
      return ['*Interrupted*']
    case 'boundary':
      return boundaryBlocks(item)
    case 'note':
      return [`*${plainLine(item.about)}*`, ...(item.text.text.trim() === '' ? [] : [codeBlock(item.text.text)])]
    case 'attachment':
      return [`*${plainLine(item.type)}* ${item.name.text === '' ? '' : codeSpan(item.name.text)}`.trim()]
  }
}

function toolBlocks(call: ToolCall): readonly string[] {
  const {name, result, changes, subagents} = call
  const head = headOf(call)
  const sum = changes.length > 0 ? ` (${changeSum(changes)})` : ''
  const title = `**${plainLine(name) || 'The result of a call that is not here'}**${head.trim() === '' ? '' : ` ${codeSpan(head)}`}${sum}`
  const input = words.inputRest(call, head).map(([member, text]) => `${plainLine(member)}:\n\n${codeBlock(text)}`)
  const told = changes.length === 0 && subagents.length === 0
  const output =
    result && (told || result.isError) ? outputBlocks(result.isError ? 'Error' : 'Output', unwrapped(result)) : []
  return [
    title,
    ...(input.length > 0 ? [details('Input', input.join('\n\n'))] : []),
    ...changes.flatMap(({hunks}) => hunks.map(({lines}) => codeBlock(lines.join('\n'), 'diff'))),
    ...(result ? [...output, ...mediaLines(result.media)] : ['*No result*']),
    ...(result?.file ? [`*All of it (${formatBytes(result.file.bytes)}):* ${codeSpan(result.file.path)}`] : []),
    ...subagents.flatMap(subagentBlocks),
  ]
}

function outputBlocks(what: string, output: Excerpt): readonly string[] {
  if (output.text.trim() === '') return []
  const block = codeBlock(output.text)
  return output.lines <= LONG ? [block] : [details(`${what}, ${words.linesWord(output.lines)}`, block)]
}

function subagentBlocks(subagent: Conversation): readonly string[] {
  const inside = subagent.turns.flatMap(({items}) => items.flatMap(itemBlocks))
  return [quoted([`**${plainLine(words.subagentWords(subagent))}**`, ...inside].join('\n\n'))]
}

function boundaryBlocks({trigger, tokensBefore, summary}: Boundary): readonly string[] {
  const by = trigger === undefined ? '' : `, ${plainLine(trigger)}`
  const held = tokensBefore === undefined ? '' : `, ${tokensBefore.toLocaleString('en')} tokens before`
  return [`---`, `*Compacted${by}${held}*`, ...(summary ? [details('Summary', markdownText(summary.text))] : [])]
}

function textBlocks({text}: Excerpt): readonly string[] {
  return text.trim() === '' ? [] : [markdownText(text)]
}

function mediaLines(media: readonly Media[]): readonly string[] {
  return media.map(({type, mediaType = type, bytes}) => `*[${plainLine(mediaType)}, ${formatBytes(bytes)}]*`)
}

/** The summary is ours. */
function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`
}
