import type {Boundary, Command, Conversation, Item, ToolCall} from '../../transcript/conversation/model.js'
import {isShown} from '../../transcript/conversation/turns.js'
import {sanitizeLine} from '../sanitize.js'
import {truncate} from '../width.js'
import {folded, whole} from './fold.js'
import {mediaLines} from './media.js'
import {paint, type Style, type TextOptions} from './style.js'
import {callLines, indented, resultLines} from './tool-lines.js'
import {narrower} from './wrap.js'

const THOUGHT_LINES = 1
const SUMMARY_LINES = 3
const NOTE_LINES = 2

/** One item as lines, harmless to a terminal; none for what is not shown. Subagents stand below the call that started them. */
export function itemLines(item: Item, options: TextOptions): readonly string[] {
  if (item.kind === 'tool')
    return [...callLines(item, options), ...resultLines(item, options), ...subagentsOf(item, options)]
  return isShown(item) || options.full ? plainLines(item, options) : []
}

function plainLines(item: Exclude<Item, ToolCall>, options: TextOptions): readonly string[] {
  const inner = narrower(options, 2)
  switch (item.kind) {
    case 'prompt':
      return marked('❯', 'cyan', [...whole(item.text, inner), ...mediaLines(item.media, inner)], options, 'bold')
    case 'command':
      return commandLines(item, options)
    case 'said':
      return whole(item.text, options)
    case 'thinking':
      return item.text.length === 0 ? [] : marked('✻', 'dim', folded(item.text, THOUGHT_LINES, inner), options, 'dim')
    case 'failure': {
      const status = item.status === undefined ? '' : ` (${item.status})`
      return marked('✗', 'red', withEnd(whole(item.text, inner), status), options, 'red')
    }
    case 'interruption':
      return marked('✗', 'yellow', ['interrupted'], options, 'yellow')
    case 'boundary':
      return boundaryLines(item, options)
    case 'note':
      return marked('·', 'dim', folded(withAbout(item.about, item.text), NOTE_LINES, inner), options, 'dim')
    case 'attachment': {
      const name = sanitizeLine(item.name.text)
      const line = truncate(`${sanitizeLine(item.type)}${name === '' ? '' : ` ${name}`}`, inner.width)
      return marked('·', 'dim', [line], options, 'dim')
    }
  }
}

function commandLines({name, args, output}: Command, options: TextOptions): readonly string[] {
  const inner = narrower(options, 2)
  const told = [sanitizeLine(name), sanitizeLine(args.text)].filter((each) => each !== '').join(' ')
  const head = marked('❯', 'cyan', [truncate(told, inner.width)], options, 'bold')
  return output
    ? [...head, ...indented(folded(output, SUMMARY_LINES, inner).map((line) => paint(line, 'dim', options)))]
    : head
}

function boundaryLines({trigger, tokensBefore, summary}: Boundary, options: TextOptions): readonly string[] {
  const by = trigger === undefined ? '' : `, ${sanitizeLine(trigger)}`
  const held = tokensBefore === undefined ? '' : `, ${tokensBefore.toLocaleString('en')} tokens before`
  const head = `── compacted${by}${held}: the model knows what was before by this summary ──`
  const told = summary ? folded(summary, SUMMARY_LINES, narrower(options, 2)) : []
  return [
    paint(truncate(head, options.width), 'magenta', options),
    ...indented(told.map((line) => paint(line, 'dim', options))),
  ]
}

/** Subagents, indented, each under a line that says who it is. */
export function subagentsOf({subagents}: Pick<ToolCall, 'subagents'>, options: TextOptions): readonly string[] {
  const inner = narrower(options, 4)
  const bar = `  ${paint('│', 'dim', options)} `
  return subagents.flatMap((subagent) =>
    [paint(truncate(subagentTitle(subagent), inner.width), 'dim', options), ...subagentLines(subagent, inner)].map(
      (line) => `${bar}${line}`.trimEnd(),
    ),
  )
}

export function subagentTitle({subagent, subpath}: Conversation): string {
  const {type, description, agentId} = subagent ?? {}
  const who = [type, description].filter((each) => each !== undefined).join(': ')
  return sanitizeLine(`subagent ${who || (agentId ?? subpath ?? '')}`)
}

function subagentLines({turns}: Conversation, options: TextOptions): readonly string[] {
  return turns.flatMap(({items}) => items.flatMap((item) => itemLines(item, options)))
}

function marked(
  mark: string,
  markStyle: Style,
  lines: readonly string[],
  options: TextOptions,
  style: Style,
): readonly string[] {
  return lines.map((line, at) =>
    `${at === 0 ? paint(mark, markStyle, options) : ' '} ${paint(line, style, options)}`.trimEnd(),
  )
}

function withEnd(lines: readonly string[], end: string): readonly string[] {
  return lines.map((line, at) => (at === lines.length - 1 ? line + end : line))
}

function withAbout(about: string, text: Parameters<typeof folded>[0]): Parameters<typeof folded>[0] {
  const head = text.text === '' ? about : `${about}: `
  return {...text, text: head + text.text, length: head.length + text.length, lines: Math.max(1, text.lines)}
}
