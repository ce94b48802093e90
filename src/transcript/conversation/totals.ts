import type {Conversation, Item} from './model.js'
import {type Tokens, UsageLedger} from './usage.js'

export interface Totals {
  readonly sessions: number
  readonly subagents: number
  readonly turns: number
  readonly prompts: number
  /** Of the model, what was left and what subagents were given included. */
  readonly answers: number
  readonly toolCalls: number
  /** Tools that answered with an error, and requests that failed. */
  readonly failures: number
  readonly tokens: Tokens
  /** Of the last session: what its last answer's request held. */
  readonly contextTokens?: number
  /** As the agent estimates it; absent where no transcript says it. */
  readonly costUsd?: number
  /** More than that: a price was not known, or another session says nothing of its cost. */
  readonly costIsAtLeast?: true
  readonly models: readonly {readonly model: string; readonly answers: number; readonly tokens: Tokens}[]
  /** ISO 8601 in UTC. */
  readonly startedAt?: string
  readonly endedAt?: string
}

/** Sums over sessions that continue one another, oldest first, with all their subagents. What forks repeat counts once. */
export function totalsOf(conversations: readonly Conversation[]): Totals {
  const usage = new UsageLedger()
  const counts = {subagents: 0, turns: 0, prompts: 0, toolCalls: 0, failures: 0}
  for (const conversation of conversations) {
    counts.turns += conversation.turns.length
    for (const each of withSubagents(conversation)) {
      usage.merge(each.usage)
      if (each !== conversation) counts.subagents++
      for (const item of itemsOf(each)) {
        if (item.kind === 'prompt' && each === conversation) counts.prompts++
        if (item.kind === 'tool') counts.toolCalls++
        if (item.kind === 'failure' || (item.kind === 'tool' && item.result?.isError)) counts.failures++
      }
    }
  }
  const times = (pick: 'startedAt' | 'endedAt'): readonly string[] =>
    conversations.flatMap((each) => each[pick] ?? []).toSorted()
  const [startedAt, endedAt] = [times('startedAt').at(0), times('endedAt').at(-1)]
  const contextTokens = conversations.at(-1)?.contextTokens
  return {
    sessions: conversations.length,
    ...counts,
    answers: usage.size,
    tokens: usage.total(),
    ...(contextTokens !== undefined && {contextTokens}),
    ...costOf(conversations),
    models: usage.byModel(),
    ...(startedAt !== undefined && {startedAt}),
    ...(endedAt !== undefined && {endedAt}),
  }
}

/** A session that goes on in another takes its sum along: of each beginning the highest counts. */
function costOf(conversations: readonly Conversation[]): Pick<Totals, 'costUsd' | 'costIsAtLeast'> {
  const costs = new Map<string, number>()
  let atLeast = false
  for (const {costs: recorded, usage} of conversations) {
    if (recorded.length === 0 && usage.size > 0) atLeast = true
    for (const {since, usd, atLeast: unsure} of recorded) {
      costs.set(since, Math.max(usd, costs.get(since) ?? 0))
      atLeast ||= unsure
    }
  }
  if (costs.size === 0) return {}
  const costUsd = [...costs.values()].reduce((sum, usd) => sum + usd, 0)
  return {costUsd, ...(atLeast && {costIsAtLeast: true})}
}

/** The conversation, then its subagents and theirs, in the order in which they were started. */
export function* withSubagents(conversation: Conversation): Iterable<Conversation> {
  yield conversation
  for (const item of itemsOf(conversation)) {
    if (item.kind !== 'tool') continue
    for (const subagent of item.subagents) yield* withSubagents(subagent)
  }
  for (const subagent of conversation.subagents) yield* withSubagents(subagent)
}

/** Of the shown branch first, then of those beside it. */
export function* itemsOf({turns, beside}: Conversation): Iterable<Item> {
  for (const turn of [...turns, ...beside.flatMap((branch) => branch.turns)]) yield* turn.items
}
