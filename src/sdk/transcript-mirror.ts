import type {Clock} from '../base/clock.js'
import {type Deferred, deferred} from '../base/deferred.js'
import {hasCode, type RepriseError, toRepriseError} from '../base/errors.js'
import type {Appender} from './appender.js'
import {type EncodedEntry, sizeOf} from './encode.js'
import {type Piece, piecesOf} from './piece.js'

/** What a transcript has stored, or failed to, as it happens. */
export type MirrorStep =
  | {
      readonly type: 'stored'
      readonly bytes: number
      readonly entries: number
      /** Calls that it serves. */
      readonly calls: number
      readonly putMs: number
      /** Since the oldest of those calls. */
      readonly latencyMs: number
      /** Since its oldest entry says that it was made; absent where none says so. */
      readonly lagMs?: number
    }
  | {
      readonly type: 'failed'
      readonly bytes: number
      readonly entries: number
      readonly calls: number
      readonly error: RepriseError
    }

/** Room in memory for what was rejected and is still to be stored. */
export interface Keep {
  /** @returns whether there is room. */
  take(bytes: number): boolean
  give(bytes: number): void
}

export interface TranscriptMirrorOptions {
  readonly clock: Clock
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  readonly keep: Keep
  readonly observe: (step: MirrorStep) => void
}

/** One call of `append`, until its entries are stored. */
interface Call {
  readonly entries: readonly EncodedEntry[]
  readonly bytes: Buffer
  readonly since: number
  /** Who waits for it; undefined after it was rejected. */
  waiter: Deferred<void> | undefined
  /** After it was rejected: it has room in memory. */
  kept: boolean
}

/** The first of the calls, written in one go, and again as it was until it is stored. */
interface Group {
  readonly calls: readonly Call[]
  readonly pieces: Piece[]
  readonly total: {readonly bytes: number; readonly entries: number}
  readonly oldest: number | undefined
}

const MAX_GROUP_BYTES = 8 * 1024 * 1024
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/**
 * Group commit for one transcript: while a group is written, further calls wait and make the next group. A call resolves when its
 * entries are durable, and calls are stored in their order.
 *
 * When a group fails, its calls and those behind it reject, but their entries are kept, as far as there is room, and stored before
 * anything else when the store is back: whoever gave up after a rejection leaves no hole. A call with the bytes of a rejected one
 * is taken for another try of it and stored once.
 */
export class TranscriptMirror {
  readonly #appender: Appender
  readonly #options: TranscriptMirrorOptions
  /** In the order in which they were made; the group's first. */
  #calls: Call[] = []
  #group: Group | undefined
  #running: Promise<void> | undefined
  #pause = FIRST_PAUSE_MS
  #retry = new AbortController()
  #ended: RepriseError | undefined

  constructor(appender: Appender, options: TranscriptMirrorOptions) {
    this.#appender = appender
    this.#options = options
  }

  /** Nothing waits, and nothing is left of a failure. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#calls.length === 0
  }

  /** Nothing is taken any more. */
  get isEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Entries and bytes that are not known to be stored. */
  get pending(): {readonly entries: number; readonly bytes: number} {
    return totalOf(this.#calls.flatMap(({entries}) => entries))
  }

  async append(entries: readonly EncodedEntry[]): Promise<void> {
    if (this.#ended) throw this.#ended
    const bytes = Buffer.concat(entries.map(({line}) => line))
    const waiter = deferred<void>()
    const twin = this.#calls.find((call) => !call.waiter && call.bytes.equals(bytes))
    if (twin) twin.waiter = waiter
    else this.#calls.push({entries, bytes, since: this.#options.clock.now(), waiter, kept: false})
    this.#run()
    return waiter.promise
  }

  /** Tries now what is left of a failure, and waits until everything is stored or has failed. */
  async flush(): Promise<void> {
    this.#run()
    while (this.#running) await this.#running
  }

  /** Whatever is not stored rejects, now and from now on, and is not tried any more. */
  end(reason: RepriseError): void {
    this.#ended = reason
    this.#retry.abort()
    for (const call of this.#calls) call.waiter?.reject(reason)
    this.#forget(this.#calls)
    this.#calls = []
    this.#group = undefined
  }

  #run(): void {
    this.#retry.abort()
    this.#running ??= this.#write().finally(() => {
      this.#running = undefined
      if (this.#calls.length > 0) void this.#tryLater()
    })
  }

  async #write(): Promise<void> {
    // Calls made in one turn of the event loop go up together.
    await Promise.resolve()
    while (this.#calls.length > 0) {
      const started = this.#options.clock.now()
      try {
        await this.#appender.open()
        this.#group ??= await this.#next()
        const {pieces} = this.#group
        for (let piece = pieces[0]; piece; piece = pieces[0]) {
          await this.#appender.write(piece)
          pieces.shift()
        }
      } catch (error) {
        this.#fail(toRepriseError(error))
        return
      }
      if (this.#group) this.#succeed(this.#group, started)
    }
  }

  /** The longest run of the first calls that fits, without what is stored already. */
  async #next(): Promise<Group> {
    const group = this.#gather()
    // Calls that say nothing new are rare, and the one thing that is worth a look: the session may have been deleted.
    const isNews = group.pieces.length > 0 || group.calls.every(({entries}) => entries.length === 0)
    if (isNews || (await this.#appender.isThere())) return group
    await this.#appender.open()
    return this.#gather()
  }

  #gather(): Group {
    let bytes = 0
    const calls: Call[] = []
    for (const call of this.#calls) {
      bytes += call.bytes.byteLength
      if (calls.length > 0 && bytes > MAX_GROUP_BYTES) break
      calls.push(call)
    }
    const seen = new Set<string>()
    const isNew = ({id}: EncodedEntry): boolean => {
      if (id === undefined) return true
      if (seen.has(id) || this.#appender.has(id)) return false
      seen.add(id)
      return true
    }
    const entries = calls.flatMap((call) => call.entries.filter(isNew))
    const oldest = entries.find(({at}) => at !== undefined)?.at
    return {calls, pieces: piecesOf(entries), total: totalOf(entries), oldest}
  }

  #succeed({calls, total, oldest}: Group, started: number): void {
    this.#group = undefined
    this.#calls = this.#calls.slice(calls.length)
    this.#forget(calls)
    this.#pause = FIRST_PAUSE_MS
    const now = this.#options.clock.now()
    const since = Math.min(started, ...calls.map((call) => call.since))
    if (total.entries > 0) {
      const lag = oldest !== undefined && {lagMs: Math.max(now - oldest, 0)}
      const times = {putMs: now - started, latencyMs: now - since, ...lag}
      this.#options.observe({type: 'stored', ...total, calls: calls.length, ...times})
    }
    for (const {waiter} of calls) waiter?.resolve()
  }

  #fail(error: RepriseError): void {
    const rejected = this.#calls.filter((call) => call.waiter)
    const waiters = rejected.map((call) => call.waiter)
    const total = totalOf(rejected.flatMap(({entries}) => entries))
    for (const call of rejected) call.waiter = undefined
    this.#calls = this.#calls.slice(0, this.#roomFor(this.#calls))
    this.#options.observe({type: 'failed', ...total, calls: rejected.length, error})
    for (const waiter of waiters) waiter?.reject(error)
    if (hasCode(error, 'LEASE_LOST')) this.end(error)
  }

  /** How many of the calls can be kept. The group's always are: they may be stored, and nothing goes before them. */
  #roomFor(calls: readonly Call[]): number {
    for (const [index, call] of calls.entries()) {
      if (!call.kept) call.kept = this.#options.keep.take(call.bytes.byteLength)
      if (!call.kept && index >= (this.#group?.calls.length ?? 0)) return index
    }
    return calls.length
  }

  #forget(calls: readonly Call[]): void {
    for (const {kept, bytes} of calls) if (kept) this.#options.keep.give(bytes.byteLength)
  }

  async #tryLater(): Promise<void> {
    this.#retry = new AbortController()
    const {signal} = this.#retry
    const pause = this.#pause
    this.#pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    await this.#options.background.sleep(pause, signal).catch(() => undefined)
    if (!signal.aborted) this.#run()
  }
}

function totalOf(entries: readonly EncodedEntry[]): {bytes: number; entries: number} {
  return {bytes: sizeOf(entries), entries: entries.length}
}
