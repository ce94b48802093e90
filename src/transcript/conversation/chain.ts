import type {Conversation, Item, Turn} from './model.js'
import {itemsOf} from './totals.js'

/**
 * Sessions that continue one another, to be read one after the other: what a later one repeats of an earlier one, as a fork does, is
 * left out, and turns are numbered through.
 *
 * @param conversations oldest first.
 */
export function chained(conversations: readonly Conversation[]): readonly Conversation[] {
  const seen = new Set<string>()
  let turns = 0
  return conversations.map((conversation) => {
    const left = conversation.turns.flatMap(({items}) => withoutSeen(items, seen))
    for (const {key} of itemsOf(conversation)) seen.add(key)
    const numbered = left.map((turn, at) => ({...turn, number: turns + at + 1}))
    turns += left.length
    return {...conversation, turns: numbered}
  })
}

function withoutSeen(items: readonly Item[], seen: ReadonlySet<string>): readonly Turn[] {
  const left = items.filter(({key}) => !seen.has(key))
  return left.length === 0 ? [] : [{number: 0, items: left}]
}
