import type {Clock} from '../base/clock.js'
import type {RepriseError} from '../base/errors.js'
import type {Facts} from './registry.js'
import {TaskRecorder, type TaskSink} from './task-recorder.js'

/** What `query()` gives, as far as it is looked at: the message types of the Agent SDK are all of this shape. */
export type AgentStream = AsyncGenerator<{readonly type: string}, unknown, unknown>

export interface TrackTaskOptions {
  /** A `Registry`. */
  readonly registry: TaskSink
  /** The caller's name for the piece of work, 1 to 128 characters. */
  readonly taskId: string
  /** Goes with every record, e.g. `store`, `homeKey`, `machine`; wins over what the messages say. */
  readonly facts?: Facts
  /** Of the query's `abortController`: a query that throws because it was aborted is `interrupted`. */
  readonly signal?: AbortSignal
  /** Told of each failure of the registry. Default: a warning of the process, once. */
  readonly onError?: (error: RepriseError) => unknown
  /** How long the end of the stream may wait for the registry, ms. Default 2,000. */
  readonly settleMs?: number
}

const SETTLE_MS = 2_000

/** `trackTask` of the library, with its clock as a value. Its sleeps must not keep a program alive that has nothing else to do. */
export function trackTask<Stream extends AgentStream>(
  query: Stream,
  options: TrackTaskOptions,
  background: Clock,
): Stream {
  const {registry, taskId, facts = {}, signal, onError = warnOnce(taskId), settleMs = SETTLE_MS} = options
  const recorder = new TaskRecorder({registry, taskId, background, onError: guarded(onError)})
  const watch = new TaskWatch(recorder, facts, {settleMs, signal})
  const own: Partial<Record<string | symbol, unknown>> = {
    ...watched(query, watch),
    [Symbol.asyncIterator]: () => watched(query[Symbol.asyncIterator](), watch),
    [Symbol.asyncDispose]: async () => {
      // A generator of Node 20 has no such method.
      if (Reflect.has(query, Symbol.asyncDispose)) await query[Symbol.asyncDispose]()
      else await query.return(undefined)
      await watch.end('interrupted')
    },
  }
  return new Proxy(query, {
    get(target, name) {
      if (name in own) return own[name]
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'close') return value.bind(target) as unknown
      // Nobody may ask a query that was closed for another message.
      return (...args: unknown[]): unknown => {
        void watch.end('interrupted')
        return Reflect.apply(value, target, args)
      }
    },
  })
}

interface WatchEnd {
  readonly settleMs: number
  readonly signal: AbortSignal | undefined
}

/** The session of a query and how it is doing, from its messages. */
class TaskWatch {
  readonly #recorder: TaskRecorder
  readonly #given: Facts
  readonly #end: WatchEnd
  #sessionId: string | undefined
  #seen: Facts = {agent: 'claude'}
  #isRunning = false
  #ending: Promise<void> | undefined

  constructor(recorder: TaskRecorder, given: Facts, end: WatchEnd) {
    this.#recorder = recorder
    this.#given = given
    this.#end = end
  }

  note(message: unknown): void {
    if (typeof message !== 'object' || message === null) return
    const {type, subtype, ...fields} = message as Readonly<Record<string, unknown>>
    const isInit = type === 'system' && subtype === 'init'
    const named = textOf(fields['session_id'])
    // Messages on their way while a session gives place to the next may still name the old one: the next says so itself.
    if (named !== undefined && (this.#sessionId === undefined || isInit)) this.#meet(named)
    if (isInit) this.#begin(fields)
    if (type === 'result') this.#finish(fields)
  }

  /** The stream is over. Resolves when the record says so, or cannot be brought to in time. */
  async end(status: 'failed' | 'interrupted'): Promise<void> {
    const {settleMs, signal} = this.#end
    if (!this.#ending) {
      if (this.#isRunning) this.#say({status: signal?.aborted ? 'interrupted' : status})
      this.#ending = this.#recorder.end(settleMs)
    }
    return this.#ending
  }

  #meet(sessionId: string): void {
    if (sessionId === this.#sessionId) return
    const {costUsd: _cost, durationMs: _duration, ...lasting} = this.#seen
    this.#sessionId = sessionId
    this.#seen = lasting
    this.#isRunning = true
    this.#say({status: 'running'})
  }

  #begin(init: Readonly<Record<string, unknown>>): void {
    const cwd = textOf(init['cwd'])
    const version = textOf(init['claude_code_version'])
    this.#isRunning = true
    this.#say({
      status: 'running',
      ...(cwd !== undefined && {cwd}),
      ...(version !== undefined && {launch: {version}}),
    })
  }

  #finish(result: Readonly<Record<string, unknown>>): void {
    const cost = amountOf(result['total_cost_usd'])
    const duration = amountOf(result['duration_ms'])
    this.#isRunning = false
    this.#say({
      status: result['is_error'] === true ? 'failed' : 'ended',
      // The cost is a running total, the duration that of one turn.
      ...(cost !== undefined && {costUsd: cost}),
      ...(duration !== undefined && {durationMs: (this.#seen.durationMs ?? 0) + duration}),
    })
  }

  #say(facts: Facts): void {
    const before = JSON.stringify(this.#seen)
    this.#seen = {...this.#seen, ...facts}
    if (this.#sessionId === undefined || JSON.stringify(this.#seen) === before) return
    const {status, costUsd, durationMs} = this.#seen
    this.#recorder.record(this.#sessionId, {
      ...this.#seen,
      ...this.#given,
      ...(status !== undefined && {status}),
      ...(costUsd !== undefined && {costUsd}),
      ...(durationMs !== undefined && {durationMs}),
    })
  }
}

/** The same generator, with a look at what it gives. */
function watched(inner: AgentStream, watch: TaskWatch): AgentStream {
  const seen = async (step: Promise<IteratorResult<{readonly type: string}>>) => {
    let result
    try {
      result = await step
    } catch (error) {
      await watch.end('failed')
      throw error
    }
    if (result.done) await watch.end('interrupted')
    else watch.note(result.value)
    return result
  }
  const generator: AgentStream = {
    next: async (...args) => seen(inner.next(...args)),
    return: async (value) => seen(inner.return(value)),
    throw: async (error) => seen(inner.throw(error)),
    [Symbol.asyncIterator]: () => generator,
    [Symbol.asyncDispose]: async () => {
      await seen(inner.return(undefined))
    },
  }
  return generator
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function amountOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

/** A program's own handler that fails must not break the stream either. */
function guarded(onError: (error: RepriseError) => unknown): (error: RepriseError) => void {
  return (failure) => {
    void (async () => onError(failure))().catch(() => undefined)
  }
}

function warnOnce(taskId: string): (error: RepriseError) => void {
  let warned = false
  return ({code, message}) => {
    if (warned) return
    warned = true
    const text = `task ${JSON.stringify(taskId)} is not on record yet: ${message}`
    process.emitWarning(text, {type: 'RepriseWarning', code})
  }
}
