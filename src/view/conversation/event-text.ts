import type {ConversationEvent} from '../../transcript/conversation/events.js'
import {messageOf} from '../../transcript/conversation/messages.js'
import type {Conversation} from '../../transcript/conversation/model.js'
import {isShown} from '../../transcript/conversation/turns.js'
import {truncate} from '../width.js'
import {shortTime} from './conversation-text.js'
import {itemLines, subagentTitle} from './item-lines.js'
import {paint, type TextOptions} from './style.js'
import {callLines, resultLines} from './tool-lines.js'
import {narrower} from './wrap.js'

/** Events of a conversation that is followed, as text: each on its own, since what belongs together may come much later. */
export class EventText {
  readonly #options: TextOptions
  #speaking: Conversation['subpath']

  constructor(options: TextOptions) {
    this.#options = options
  }

  /** Whole lines; empty for what is not shown. */
  text(event: ConversationEvent): string {
    const {of, depth} = event
    const options = {...narrower(this.#options, depth * 4), cwd: of.cwd}
    const lines = linesOf(event, options)
    if (lines.length === 0) return ''
    const who = of.subpath ?? of.subagent?.agentId
    const changed = who !== this.#speaking && depth > 0
    this.#speaking = who
    const title = changed ? [paint(truncate(subagentTitle(of), options.width), 'dim', options)] : []
    const bar = `  ${paint('│', 'dim', options)} `.repeat(depth)
    return [...title, ...lines].map((line) => `${bar}${line}`.trimEnd() + '\n').join('')
  }
}

function linesOf(event: ConversationEvent, options: TextOptions): readonly string[] {
  const {item} = event
  if (event.kind === 'result') return resultLines(event.item, options)
  if (item.kind === 'tool') return callLines(item, options)
  const lines = itemLines(item, options)
  const begins = (item.kind === 'prompt' || item.kind === 'command') && event.depth === 0
  if (!begins || lines.length === 0) return lines
  const time = item.time === undefined ? '' : `  ${shortTime(item.time)}`
  return ['', paint(`#${event.turn.number}${time}`, 'dim', options), ...lines]
}

/** docs/json-output.md, `show --follow`; undefined for what is no part of a message. */
export function eventJson(event: ConversationEvent): object | undefined {
  const {item, of} = event
  const {sessionId, subagent} = of
  const who = subagent && {subagent}
  if (event.kind === 'result') {
    const {id, result} = event.item
    if (!result) return undefined
    const {content, isError, time} = result
    const results = [{id, content: content.text, isError}]
    return {
      role: 'user',
      content: '',
      ...(time !== undefined && {timestamp: time}),
      sessionId,
      ...who,
      toolResults: results,
    }
  }
  if (!isShown(item)) return undefined
  const {result: _result, ...call} = item.kind === 'tool' ? item : {...item, result: undefined}
  const message = messageOf(call, sessionId)
  return message && {...message, ...who}
}
