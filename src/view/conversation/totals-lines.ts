import type {ReadChain} from '../../inspect/read-chain.js'
import {sanitizeLine} from '../sanitize.js'
import {paint, type TextOptions} from './style.js'
import {wrapped} from './wrap.js'

/** What stands below a conversation: what it took, and what of it is not shown. */
export function totalsLines({totals, sessions, missing}: ReadChain, options: TextOptions): readonly string[] {
  const {turns, answers, toolCalls, failures, subagents, tokens, contextTokens, costUsd, costIsAtLeast, models} = totals
  const counts = [
    counted(turns, 'turn'),
    counted(answers, 'answer'),
    counted(toolCalls, 'tool call'),
    ...(failures > 0 ? [counted(failures, 'failure')] : []),
    ...(subagents > 0 ? [counted(subagents, 'subagent')] : []),
  ]
  const {input, output, cacheRead, cacheWrite} = tokens
  const spent = `tokens: ${figure(input)} in, ${figure(output)} out, ${figure(cacheRead)} from cache, ${figure(cacheWrite)} to cache`
  const held = contextTokens === undefined ? '' : `; context ${figure(contextTokens)}`
  const cost =
    costUsd === undefined ? '' : `; ${costIsAtLeast ? 'at least ' : ''}$${costUsd.toFixed(costUsd < 1 ? 4 : 2)}`
  const names = models.map(({model}) => model).filter((model) => model !== '')
  const lines = [
    counts.join(', '),
    `${spent}${held}${cost}`,
    ...(names.length > 0 ? [`models: ${names.join(', ')}`] : []),
  ]
  const notes = [...sessions.flatMap(notShown), ...missing.map((id) => `session ${id} is nowhere any more`)]
  return [
    ...lines.flatMap((line) => wrapped(sanitizeLine(line), options.width)).map((line) => paint(line, 'dim', options)),
    ...notes.map((line) => paint(sanitizeLine(line), 'yellow', options)),
  ]
}

function notShown({conversation: {beside, subagents, lines}}: ReadChain['sessions'][number]): readonly string[] {
  return [
    ...(beside.length > 0
      ? [`${counted(beside.length, 'branch', 'branches')} beside the conversation: --full shows them`]
      : []),
    ...(subagents.length > 0
      ? [`${counted(subagents.length, 'subagent')} that no call here has started: --full shows them`]
      : []),
    ...(lines.unreadable > 0 ? [`${counted(lines.unreadable, 'line')} that cannot be read`] : []),
    ...(lines.tooLong > 0 ? [`${counted(lines.tooLong, 'line')} too long to be read`] : []),
  ]
}

function counted(count: number, what: string, several = `${what}s`): string {
  return `${figure(count)} ${count === 1 ? what : several}`
}

function figure(count: number): string {
  return count.toLocaleString('en')
}
