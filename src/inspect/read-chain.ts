import {notFound} from '../sync/select-sessions.js'
import {chained} from '../transcript/conversation/chain.js'
import {type Limits, PREVIEW} from '../transcript/conversation/limits.js'
import type {Conversation} from '../transcript/conversation/model.js'
import {type Totals, totalsOf} from '../transcript/conversation/totals.js'
import type {Chain} from './choose-chain.js'
import {readConversation} from './read-conversation.js'

export interface ReadChain extends Pick<Chain, 'task' | 'name'> {
  /** Oldest first; what a later one repeats is left out of it. */
  readonly sessions: readonly ReadSession[]
  readonly totals: Totals
  readonly missing: readonly string[]
}

export interface ReadSession {
  readonly conversation: Conversation
  readonly place: string
  readonly source: 'store' | 'local'
}

/** Reads sessions that continue one another. @throws SESSION_NOT_FOUND when there is nothing of them, and what `readConversation` throws. */
export async function readChain({sessions, missing, ...named}: Chain, limits: Limits = PREVIEW): Promise<ReadChain> {
  const read: ReadSession[] = []
  const gone: string[] = []
  // One after the other: each is read with many requests at once.
  for (const origin of sessions) {
    const conversation = await readConversation(origin, limits)
    if (conversation) read.push({conversation, place: origin.place, source: origin.source})
    else gone.push(origin.sessionId)
  }
  if (read.length === 0) throw notFound(gone.at(-1) ?? '')
  const conversations = chained(read.map(({conversation}) => conversation))
  return {
    ...named,
    sessions: read.map((each, at) => ({...each, conversation: conversations[at] ?? each.conversation})),
    totals: totalsOf(conversations),
    missing: [...missing, ...gone],
  }
}
