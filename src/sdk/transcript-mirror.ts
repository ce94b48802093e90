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

export interface TranscriptMirrorOptions {
  readonly clock: Clock
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  readonly observe: (step: MirrorStep) => void
}

/** One call of `append`. */
interface Call {
  readonly entries: readonly EncodedEntry[]
  readonly bytes: Buffer
  readonly since: number
  readonly settled: Deferred<void>
}

/** What is written in one go, and again as it was until it is stored. */
interface Group {
  calls: Call[]
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
 * A group that fails may be stored all the same. Its calls reject, and so do those that wait behind it; the group itself is kept
 * and written as it was before anything else is. A call with the bytes of a rejected one joins it instead of being stored again.
 */
export class TranscriptMirror {
  readonly #appender: Appender
  readonly #options: TranscriptMirrorOptions
  #waiting: Call[] = []
  #group: Group | undefined
  #rejected: Call[] = []
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
    return this.#running === undefined && this.#group === undefined && this.#waiting.length === 0
  }

  /** Nothing is taken any more. */
  get isEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Entries and bytes that are not known to be stored. */
  get pending(): {readonly entries: number; readonly bytes: number} {
    const inGroup = this.#group?.pieces ?? []
    const entries = [...inGroup, ...this.#waiting].reduce((sum, each) => sum + each.entries.length, 0)
    const bytes = [...inGroup.map(({body}) => body), ...this.#waiting.map((call) => call.bytes)]
    return {entries, bytes: bytes.reduce((sum, each) => sum + each.byteLength, 0)}
  }

  async append(entries: readonly EncodedEntry[]): Promise<void> {
    if (this.#ended) throw this.#ended
    const bytes = Buffer.concat(entries.map(({line}) => line))
    const settled = deferred<void>()
    const call: Call = {entries, bytes, since: this.#options.clock.now(), settled}
    const twin = this.#rejected.findIndex((each) => each.bytes.equals(bytes))
    if (twin >= 0 && this.#group) {
      this.#rejected.splice(twin, 1)
      this.#group.calls.push(call)
    } else this.#waiting.push(call)
    this.#run()
    return settled.promise
  }

  /** Tries now what is left of a failure, and waits until everything is stored or has failed. */
  async flush(): Promise<void> {
    this.#run()
    while (this.#running) await this.#running
  }

  /** Whatever is not stored rejects, now and from now on. */
  end(reason: RepriseError): void {
    this.#ended = reason
    this.#retry.abort()
    for (const {settled} of [...(this.#group?.calls ?? []), ...this.#waiting]) settled.reject(reason)
    this.#waiting = []
    if (this.#group) this.#group.calls = []
  }

  #run(): void {
    this.#retry.abort()
    this.#running ??= this.#write().finally(() => {
      this.#running = undefined
      if (this.#group && !this.#ended) void this.#tryLater()
    })
  }

  async #write(): Promise<void> {
    // Calls made in one turn of the event loop go up together.
    await Promise.resolve()
    while (this.#ended === undefined && (this.#group || this.#waiting.length > 0)) {
      const started = this.#options.clock.now()
      try {
        await this.#appender.open()
        this.#group ??= this.#next()
        const {pieces} = this.#group
        for (let piece = pieces[0]; piece; piece = pieces[0]) {
          await this.#appender.write(piece)
          pieces.shift()
        }
      } catch (error) {
        this.#fail(toRepriseError(error))
        return
      }
      this.#succeed(this.#group, started)
    }
  }

  /** The longest run of waiting calls that fits, without what is stored already. */
  #next(): Group {
    let bytes = 0
    let count = 0
    for (const call of this.#waiting) {
      bytes += call.bytes.byteLength
      if (count > 0 && bytes > MAX_GROUP_BYTES) break
      count++
    }
    const calls = this.#waiting.splice(0, count)
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
    this.#rejected = []
    this.#pause = FIRST_PAUSE_MS
    const now = this.#options.clock.now()
    const since = Math.min(started, ...calls.map((call) => call.since))
    if (total.entries > 0) {
      const lag = oldest !== undefined && {lagMs: Math.max(now - oldest, 0)}
      const times = {putMs: now - started, latencyMs: now - since, ...lag}
      this.#options.observe({type: 'stored', ...total, calls: calls.length, ...times})
    }
    for (const {settled} of calls) settled.resolve()
  }

  #fail(error: RepriseError): void {
    const calls = [...(this.#group?.calls ?? []), ...this.#waiting]
    if (this.#group) {
      this.#rejected.push(...this.#group.calls)
      this.#group.calls = []
    }
    this.#waiting = []
    const total = totalOf(calls.flatMap(({entries}) => entries))
    this.#options.observe({type: 'failed', ...total, calls: calls.length, error})
    for (const {settled} of calls) settled.reject(error)
    if (hasCode(error, 'LEASE_LOST')) this.end(error)
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
