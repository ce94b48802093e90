import type {ReadChain, ReadSession} from '../../inspect/read-chain.js'
import type {Branch, Turn} from '../../transcript/conversation/model.js'
import {isShown} from '../../transcript/conversation/turns.js'
import {sanitizeLine} from '../sanitize.js'
import {truncate} from '../width.js'
import {itemLines, subagentsOf} from './item-lines.js'
import {paint, type TextOptions} from './style.js'
import {totalsLines} from './totals-lines.js'

/**
 * A chain of sessions for people, piece by piece: each piece is whole lines. What was written long ago comes first, so that the first
 * piece is there at once, however much follows.
 *
 * @param tail of the turns the last so many; all where it is not given.
 */
export function* chainText(chain: ReadChain, options: TextOptions, tail?: number): Iterable<string> {
  const turns = chain.sessions.reduce((sum, {conversation}) => sum + conversation.turns.length, 0)
  const from = tail === undefined ? 0 : turns - tail
  let before = 0
  for (const session of chain.sessions) {
    const shown = session.conversation.turns.slice(Math.max(0, from - before))
    before += session.conversation.turns.length
    if (shown.length === 0 && session.conversation.turns.length > 0) continue
    yield `${headerLines(session, options).join('\n')}\n`
    const own = {...options, cwd: session.conversation.cwd}
    for (const turn of shown) yield turnText(turn, own)
    if (options.full) yield* besideText(session, own)
  }
  yield `\n${totalsLines(chain, options).join('\n')}\n`
}

/** What stands above a session. */
export function headerLines({conversation, place}: ReadSession, options: TextOptions): readonly string[] {
  const {sessionId, title, cwd, gitBranch, agent, agentVersion, startedAt} = conversation
  const name = title === undefined ? '' : `  ${sanitizeLine(title)}`
  const about = [
    cwd,
    // What claude says where there is no branch.
    gitBranch === 'HEAD' ? undefined : gitBranch,
    [agent, agentVersion].filter((each) => each !== undefined).join(' '),
    startedAt && shortTime(startedAt),
    place,
  ]
  const told = sanitizeLine(about.filter((each) => each !== undefined && each !== '').join(' · '))
  return [
    paint(truncate(`${sanitizeLine(sessionId)}${name}`, options.width), 'bold', options),
    paint(truncate(told, options.width), 'dim', options),
  ]
}

/** A turn, with an empty line above it. */
export function turnText({number, items}: Turn, options: TextOptions): string {
  const blocks = items.flatMap((item) => {
    const lines = itemLines(item, options)
    return lines.length === 0 ? [] : [{lines, isSpeech: item.kind === 'prompt' || item.kind === 'said'}]
  })
  if (blocks.length === 0) return ''
  // What was said stands by itself, what was done together.
  const text = blocks.flatMap(({lines, isSpeech}, at) => {
    const apart = at > 0 && (isSpeech || blocks[at - 1]?.isSpeech)
    return apart ? ['', ...lines] : lines
  })
  const time = items.find((item) => item.time !== undefined && isShown(item))?.time
  const head = paint(`#${number}${time === undefined ? '' : `  ${shortTime(time)}`}`, 'dim', options)
  return `\n${[head, ...text].join('\n')}\n`
}

/** `2026-11-21 15:04:05`, in UTC. */
export function shortTime(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, '')
}

/** Branches that were left, and subagents that nobody here started. */
function* besideText({conversation: {beside, subagents}}: ReadSession, options: TextOptions): Iterable<string> {
  for (const branch of beside) {
    yield `\n${paint(`── beside the conversation: ${countOf(branch)} ──`, 'magenta', options)}\n`
    for (const turn of branch.turns) yield turnText(turn, options)
  }
  if (subagents.length === 0) return
  yield `\n${paint('── subagents that no call here has started ──', 'magenta', options)}\n`
  for (const subagent of subagents) yield `${subagentsOf({subagents: [subagent]}, options).join('\n')}\n`
}

function countOf({turns}: Branch): string {
  return turns.length === 1 ? 'one turn that was left' : `${turns.length} turns that were left`
}
