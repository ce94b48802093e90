import type {ReadChain, ReadSession} from '../../inspect/read-chain.js'
import type {Conversation, Excerpt, Item, ToolCall} from '../../transcript/conversation/model.js'
import {isShown} from '../../transcript/conversation/turns.js'
import {shortTime} from '../conversation/conversation-text.js'
import {fieldsOf, IN_CHANGES} from '../conversation/tool-lines.js'

/** What documents say in words, whatever they are written in. Texts are as they were written, by anybody. */

const HEADING_LENGTH = 80

export function documentTitle({task, name, sessions}: ReadChain): string {
  const titles = sessions.flatMap(({conversation}) => conversation.title ?? [])
  const first = sessions[0]?.conversation
  return titles.at(-1) ?? task ?? name ?? (first ? `Session ${first.sessionId}` : 'No session')
}

/** Where and when a session was held, a fact each. */
export function sessionFacts({conversation, place}: ReadSession): readonly string[] {
  const {cwd, gitBranch, agent, agentVersion, startedAt, endedAt} = conversation
  const [from, to] = [startedAt, endedAt].map((time) => time && shortTime(time))
  const facts: readonly (string | undefined)[] = [
    cwd,
    gitBranch === 'HEAD' ? undefined : gitBranch,
    [agent, agentVersion].filter((each) => each !== undefined).join(' '),
    from === undefined ? undefined : `${from} to ${to ?? from} UTC`,
    place,
  ]
  return facts.flatMap((each) => (each === undefined || each === '' ? [] : [each]))
}

/** The first line of what a turn begins with. */
export function turnHeading(items: readonly Item[]): string {
  const first = items.find(({kind}) => kind === 'prompt' || kind === 'command')
  const text = first?.kind === 'prompt' ? first.text.text : first?.kind === 'command' ? commandText(first) : ''
  const line = text.trim().split('\n', 1)[0]?.trim() ?? ''
  return line.length > HEADING_LENGTH ? `${line.slice(0, HEADING_LENGTH).toWellFormed()}…` : line
}

export function turnTime(items: readonly Item[]): string | undefined {
  const time = items.find((item) => item.time !== undefined && isShown(item))?.time
  return time && shortTime(time)
}

export function commandText({name, args}: {readonly name: string; readonly args: Excerpt}): string {
  return `${name} ${args.text}`.trim()
}

export function subagentWords({subagent, subpath}: Conversation): string {
  const {type, description, agentId} = subagent ?? {}
  const who = [type, description].filter((each) => each !== undefined).join(': ')
  return `Subagent ${who || (agentId ?? subpath ?? '')}`
}

/** Of a subagent: its own line tells them. */
const IN_HEAD = new Set(['subagent_type', 'description'])

/** What of an input neither the call's own line nor its changes nor its subagents tell, a member each. */
export function inputRest(
  {name, input, changes, subagents}: ToolCall,
  head: string,
): readonly (readonly [string, string])[] {
  const startsOne = name === 'Agent' || name === 'Task'
  return Object.entries(fieldsOf(input)).flatMap(([member, value]) => {
    const isOneLine = value === head && !head.trim().includes('\n')
    const isTold = (startsOne && IN_HEAD.has(member)) || (subagents.length > 0 && member === 'prompt')
    if (value === null || value === false || isOneLine || isTold || (changes.length > 0 && IN_CHANGES.has(member)))
      return []
    return [[member, typeof value === 'string' ? value : JSON.stringify(value, undefined, 2)] as const]
  })
}

/** `12 lines`. */
export function linesWord(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'line' : 'lines'}`
}
