import type {Branch, Conversation, Item, SubagentFacts, ToolCall, Turn} from '../model.js'
import {turnsOf} from '../turns.js'
import {UsageLedger} from '../usage.js'
import {objectField} from '../../summary-fields.js'
import {branchesBeside} from './beside.js'
import {word} from './entry.js'
import type {Node} from './graph.js'
import {changesOf} from './patch.js'
import type {CallPiece, Piece, ResultPiece} from './pieces.js'
import {Results} from './results.js'
import {sidechainsOf, type Thread, threadOf} from './thread.js'
import type {ClaudeTranscript} from './transcript.js'

/** Subagents start subagents; deeper than this is no work of claude's, and stands beside. */
const DEEPEST = 16

/**
 * The conversation of a session as it stands now.
 *
 * @param main its own transcript.
 * @param subagents the transcripts below it, in any order.
 */
export function assembleConversation(main: ClaudeTranscript, subagents: readonly ClaudeTranscript[]): Conversation {
  return new Assembly([...sidechainsOf(main), ...subagents.map(threadOf)]).conversation(threadOf(main))
}

class Assembly {
  /** Subagents that hang nowhere yet. */
  readonly #free: Set<Thread>
  readonly #byCall = new Map<string, Thread[]>()
  readonly #byAgent = new Map<string, Thread[]>()
  readonly #byPrompt = new Map<string, Thread[]>()

  constructor(subagents: readonly Thread[]) {
    this.#free = new Set(subagents)
    // The first one is taken first: from the end.
    for (const thread of subagents.toReversed()) {
      note(this.#byCall, thread.transcript.facts.subagent?.toolCallId, thread)
      note(this.#byAgent, thread.agentId, thread)
      note(this.#byPrompt, thread.prompt, thread)
    }
  }

  conversation(main: Thread): Conversation {
    const conversation = this.#assemble(main, 0)
    const loose: Conversation[] = []
    for (const thread of this.#free) {
      // One that an earlier of these has taken hangs there.
      if (this.#free.delete(thread)) loose.push(this.#assemble(thread, 1))
    }
    return {...conversation, subagents: loose}
  }

  /** @param call that started it. */
  #assemble(thread: Thread, depth: number, call?: CallPiece): Conversation {
    const {transcript, chain, nodes, isPart} = thread
    const {name, facts, usage, costs, lines} = transcript
    const results = new Results(nodes, chain)
    const turns = this.#turns(results.shown, results, thread, depth)
    const beside = branchesBeside(transcript.graph, nodes, results.used).map(({after, nodes: left}): Branch => ({
      ...(after && {after: after.uuid}),
      turns: this.#turns(left, results, thread, depth),
    }))
    const title = facts.customTitle || facts.aiTitle || facts.summaryTitle || undefined
    const contextTokens = chain.findLast((node) => node.contextTokens !== undefined)?.contextTokens
    const subagent = subagentOf(thread, call)
    return {
      agent: 'claude',
      ...name,
      ...(subagent && {subagent}),
      ...(title !== undefined && {title}),
      ...(facts.cwd !== undefined && {cwd: facts.cwd}),
      ...(facts.gitBranch !== undefined && {gitBranch: facts.gitBranch}),
      ...(facts.agentVersion !== undefined && {agentVersion: facts.agentVersion}),
      ...(facts.startedAt !== undefined && {startedAt: facts.startedAt}),
      ...(facts.endedAt !== undefined && {endedAt: facts.endedAt}),
      turns,
      beside: beside.filter((branch) => branch.turns.length > 0),
      subagents: [],
      ...(contextTokens !== undefined && {contextTokens}),
      usage: isPart ? new UsageLedger() : usage,
      costs: isPart ? [] : costs,
      lines: isPart ? {entries: chain.length, unreadable: 0, tooLong: 0} : lines,
    }
  }

  #turns(nodes: readonly Node[], results: Results, thread: Thread, depth: number): readonly Turn[] {
    const items: Item[] = []
    for (const {pieces} of nodes) {
      for (const piece of pieces) this.#add(items, piece, results, thread, depth)
    }
    return turnsOf(items)
  }

  #add(items: Item[], piece: Piece, results: Results, thread: Thread, depth: number): void {
    const last = items.at(-1)
    if (piece.kind === 'tool') items.push(this.#call(piece, results.of(piece), thread, depth))
    else if (piece.kind === 'result') {
      if (!results.isOrphan(piece)) return
      const {key, place, time, callId} = piece
      const call = {kind: 'tool', key, place, ...(time !== undefined && {time}), id: callId, name: ''} as const
      items.push(this.#call({...call, input: null, inputIsCut: false}, piece, thread, depth))
    } else if (piece.kind === 'output') {
      const {kind: _kind, text, ...base} = piece
      if (last?.kind === 'command' && !last.output) items[items.length - 1] = {...last, output: text}
      else items.push({kind: 'note', ...base, about: 'output', text, internal: false})
    } else if (piece.kind === 'summary') {
      const {kind: _kind, text, ...base} = piece
      if (last?.kind === 'boundary' && !last.summary) items[items.length - 1] = {...last, summary: text}
      else items.push({kind: 'boundary', ...base, summary: text})
    } else items.push(piece)
  }

  #call(call: CallPiece, result: ResultPiece | undefined, {transcript}: Thread, depth: number): ToolCall {
    const subagents = depth < DEEPEST ? this.#startedBy(call, result) : []
    return {
      ...call,
      ...(result && {result: resultOf(result)}),
      changes: changesOf(call, result, transcript.limits.output),
      subagents: subagents.map((thread) => this.#assemble(thread, depth + 1, call)),
    }
  }

  /** By what the subagent's metadata says, else by what the call's result says, else by its prompt. */
  #startedBy(call: CallPiece, result: ResultPiece | undefined): readonly Thread[] {
    const named = this.#takeAll(this.#byCall.get(call.id))
    if (named.length > 0) return named
    const told = this.#takeAll(this.#byAgent.get(result?.agentId ?? ''))
    if (told.length > 0) return told
    const prompt = (call.input as {prompt?: unknown} | null)?.prompt
    const alike = typeof prompt === 'string' ? (this.#byPrompt.get(prompt) ?? []) : []
    for (let thread = alike.pop(); thread; thread = alike.pop()) {
      if (thread.transcript.facts.subagent?.toolCallId === undefined && this.#free.delete(thread)) return [thread]
    }
    return []
  }

  #takeAll(threads: Thread[] | undefined): readonly Thread[] {
    return (threads?.splice(0).toReversed() ?? []).filter((thread) => this.#free.delete(thread))
  }
}

function note(map: Map<string, Thread[]>, key: string | undefined, thread: Thread): void {
  if (key === undefined) return
  const threads = map.get(key)
  if (threads) threads.push(thread)
  else map.set(key, [thread])
}

/** By its own metadata, else by the call that started it. */
function subagentOf({transcript, agentId, isPart}: Thread, call: CallPiece | undefined): SubagentFacts | undefined {
  if (transcript.name.subpath === undefined && !isPart) return undefined
  return {
    ...(agentId !== undefined && {agentId}),
    ...(call && askedFor(call)),
    ...(!isPart && transcript.facts.subagent),
  }
}

function askedFor({id, input}: CallPiece): SubagentFacts {
  const fields = objectField(input)
  const [type, description] = [word(fields?.['subagent_type']), word(fields?.['description'])]
  return {...(type !== undefined && {type}), ...(description !== undefined && {description}), toolCallId: id}
}

function resultOf({place, time, content, media, isError, file}: ResultPiece): NonNullable<ToolCall['result']> {
  return {place, ...(time !== undefined && {time}), content, media, isError, ...(file && {file})}
}
