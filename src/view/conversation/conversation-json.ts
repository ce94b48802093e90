import type {ReadChain, ReadSession} from '../../inspect/read-chain.js'
import {type Message, messagesOf} from '../../transcript/conversation/messages.js'
import type {Conversation} from '../../transcript/conversation/model.js'
import {withSubagents} from '../../transcript/conversation/totals.js'

export interface ChainJsonOptions {
  /** Of the turns the last so many. */
  readonly tail?: number | undefined
  /** Also what was left. */
  readonly full: boolean
}

/** docs/json-output.md, `show`. */
export function chainJson(chain: ReadChain, {tail, full}: ChainJsonOptions): Record<string, unknown> {
  const {task, name, sessions, totals, missing} = chain
  const turns = sessions.reduce((sum, {conversation}) => sum + conversation.turns.length, 0)
  const from = tail === undefined ? 0 : turns - tail
  const shown = sessions.map(({conversation}) => ({
    ...conversation,
    turns: conversation.turns.filter(({number}) => number > from),
  }))
  return {
    ...(task !== undefined && {task}),
    ...(name !== undefined && {name}),
    sessions: sessions.map(sessionJson),
    messages: shown.flatMap(messagesOf),
    subagents: shown.flatMap((each) => [...withSubagents(each)].slice(1).map(subagentJson)),
    ...(full && {beside: shown.flatMap(besideJson)}),
    totals,
    missing,
  }
}

function sessionJson({conversation, place, source}: ReadSession): Record<string, unknown> {
  const {sessionId, agent, title, cwd, gitBranch, agentVersion, startedAt, endedAt, contextTokens, lines} = conversation
  const facts = {title, cwd, gitBranch, agentVersion, startedAt, endedAt, contextTokens}
  const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined))
  return {sessionId, agent, ...known, branchesBeside: conversation.beside.length, lines, place, source}
}

function subagentJson(conversation: Conversation): Record<string, unknown> {
  const {sessionId, subagent, subpath} = conversation
  return {sessionId, ...(subpath !== undefined && {subpath}), ...subagent, messages: messagesOf(conversation)}
}

function besideJson(
  conversation: Conversation,
): readonly {readonly after?: string; readonly messages: readonly Message[]}[] {
  return conversation.beside.map(({after, turns}) => ({
    ...(after !== undefined && {after}),
    messages: messagesOf({...conversation, turns}),
  }))
}
