import type {Conversation, Item, ToolCall, Turn} from './model.js'

/** Something that was said or done, in the order in which it is told. A call and its result are two: much may come in between. */
export type ConversationEvent =
  | {readonly kind: 'item'; readonly item: Item; readonly turn: Turn; readonly of: Conversation; readonly depth: number}
  | {readonly kind: 'result'; readonly item: ToolCall; readonly of: Conversation; readonly depth: number}

/** What of a conversation that grows is new: each event once, however often the conversation is looked at. */
export class EventLog {
  readonly #seen = new Set<string>()

  /** @param from turns of the session itself before this one count as seen. */
  take(conversation: Conversation, from = 1): readonly ConversationEvent[] {
    const fresh: ConversationEvent[] = []
    for (const event of eventsOf(conversation, 0)) {
      const key = `${event.of.subpath ?? event.of.subagent?.agentId ?? ''} ${event.item.key} ${event.kind}`
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      fresh.push(event)
    }
    if (from === 1) return fresh
    const old = new Set(
      conversation.turns.filter(({number}) => number < from).flatMap(({items}) => [...withBelow(items)]),
    )
    return fresh.filter(({item}) => !old.has(item))
  }
}

function* eventsOf(of: Conversation, depth: number): Iterable<ConversationEvent> {
  for (const turn of of.turns) {
    for (const item of turn.items) {
      yield {kind: 'item', item, turn, of, depth}
      if (item.kind !== 'tool') continue
      if (item.result) yield {kind: 'result', item, of, depth}
      for (const subagent of item.subagents) yield* eventsOf(subagent, depth + 1)
    }
  }
  for (const subagent of of.subagents) yield* eventsOf(subagent, depth + 1)
}

function* withBelow(items: readonly Item[]): Iterable<Item> {
  for (const item of items) {
    yield item
    if (item.kind !== 'tool') continue
    for (const {turns} of item.subagents) for (const turn of turns) yield* withBelow(turn.items)
  }
}
