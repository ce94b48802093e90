import {hasCode, RepriseError, toRepriseError} from '../base/errors.js'
import {MirrorMeter} from '../metrics/mirror-meter.js'
import type {SessionLease} from '../registry/session-lease.js'
import type {SessionRef} from '../store/names.js'
import {CompactionsBehind} from './compact-behind.js'
import type {SyncContext} from './context.js'
import {FileEvents} from './file-events.js'
import type {MirrorStep} from './mirror-transcript.js'
import {MirroredSession, type MirrorOptions} from './mirrored-session.js'

const LOOK_EVERY_MS = 1_000
const RENEW_EVERY_MS = 20_000
const SUMMARY_EVERY_MS = 60_000

export interface MirrorReport {
  readonly bytes: number
  readonly parts: number
  readonly entries: number
  /** Everything that the local files hold is stored, acknowledged under the lease. */
  readonly complete: boolean
  readonly error?: RepriseError
}

/** Stores a session while a claude writes it. */
export interface Mirror {
  /** Every request was answered: a lease may be released. */
  readonly clean: boolean
  /** So far. */
  readonly stored: MirrorStep

  /**
   * Follows from now on.
   *
   * @param onLost told once, when another took the session over: nothing is stored any more.
   */
  start(onLost: (error: RepriseError) => void): void

  /**
   * Stops following, and stores what is left: the files whole, attachments, the summary.
   *
   * @param signal ends the attempt; what is not stored then is said in the report.
   */
  finish(signal?: AbortSignal): Promise<MirrorReport>
}

/**
 * Follows a session's files while a claude writes them and stores each line within a second. Errors of the store are tried again for
 * as long as the session runs; only the loss of the lease ends it.
 */
export class SessionMirror implements Mirror {
  readonly #context: SyncContext
  readonly #lease: SessionLease
  readonly #session: MirroredSession
  readonly #meter: MirrorMeter
  readonly #behind: CompactionsBehind
  readonly #stopping = new AbortController()
  readonly #done = new AbortController()
  #onLost: (error: RepriseError) => void = () => undefined
  #loop: Promise<void> = Promise.resolve()
  #lost: RepriseError | undefined
  #error: RepriseError | undefined
  #clean = true
  #held: Promise<void> | undefined
  #renewals: Promise<void> = Promise.resolve()
  #renewed = 0
  #tidied = 0
  #summarizedAt = 0

  constructor(context: SyncContext, lease: SessionLease, ref: SessionRef, options: MirrorOptions) {
    this.#context = context
    this.#lease = lease
    const {clock, observe = () => undefined} = context
    this.#meter = new MirrorMeter({clock, observe, projectKey: ref.homeKey, sessionId: ref.sessionId})
    this.#behind = new CompactionsBehind(context)
    const parts = {meter: this.#meter, behind: this.#behind}
    this.#session = new MirroredSession(context, lease, ref, {...options, ...parts})
  }

  /**
   * Makes one chain of every stored transcript of the session, that what older holders may still send cannot change: before it is
   * pulled.
   *
   * @returns who wrote last, where the store says so.
   */
  async settle(): Promise<{readonly machine: string; readonly at: number} | undefined> {
    await this.#hold()
    return this.#session.settle()
  }

  /** Brings the store to what is here now. @throws what `MirroredSession.look` throws. */
  async begin(): Promise<void> {
    await this.#hold()
    await this.#session.look(true)
    this.#summarizedAt = this.#context.clock.now()
  }

  start(onLost: (error: RepriseError) => void): void {
    this.#onLost = onLost
    // They only make it quicker: the look each second finds everything.
    const events = new FileEvents(this.#session.directories)
    this.#stopping.signal.addEventListener('abort', () => events.close(), {once: true})
    this.#loop = this.#follow(events)
  }

  get clean(): boolean {
    return this.#clean
  }

  get stored(): MirrorStep {
    return this.#session.stored
  }

  async finish(signal?: AbortSignal): Promise<MirrorReport> {
    this.#stopping.abort()
    await this.#loop
    for (let pause = 250; !this.#lost; pause = Math.min(pause * 2, 4_000)) {
      try {
        await this.#session.look(true)
        await this.#session.storeRest()
        await this.#session.tidy()
        const gone = await this.#session.gone()
        if (gone) return await this.#report(gone)
        await this.#lease.renew()
        await this.#behind.finish(signal)
        return await this.#report()
      } catch (error) {
        this.#failed(error)
        if (signal?.aborted || !isPassing(error)) break
        await this.#context.clock.sleep(pause, signal).catch(() => undefined)
        if (signal?.aborted) break
      }
    }
    return this.#report(this.#lost ?? this.#error ?? stopped())
  }

  /** Stops following and renewing. Not needed after `finish`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    this.#done.abort()
    this.#behind[Symbol.dispose]()
    await this.#renewals
  }

  async #report(error?: RepriseError): Promise<MirrorReport> {
    await this[Symbol.asyncDispose]()
    return {...this.stored, complete: !error, ...(error && {error})}
  }

  async #follow(events: FileEvents): Promise<void> {
    const {signal} = this.#stopping
    await this.#hold().catch((error: unknown) => this.#failed(error))
    while (!signal.aborted && !this.#lost) {
      await events.next(this.#context.clock, LOOK_EVERY_MS)
      if (signal.aborted) return
      try {
        await this.#session.look(false)
        await this.#tidy()
        await this.#summarize()
        this.#error = undefined
      } catch (error) {
        this.#failed(error)
      }
    }
  }

  /** From the first call on, until `finish` or disposal: neither a slow pull nor a slow upload must cost the lease. */
  async #hold(): Promise<void> {
    if (!this.#held) {
      this.#renewals = this.#renew()
      this.#held = this.#session.recall()
    }
    await this.#held
  }

  async #renew(): Promise<void> {
    const {signal} = this.#done
    while (!signal.aborted && !this.#lost) {
      await this.#context.clock.sleep(RENEW_EVERY_MS, signal).catch(() => undefined)
      if (signal.aborted || this.#lost) return
      await this.#lease.renew().then(
        () => this.#renewed++,
        (error: unknown) => this.#failed(error),
      )
    }
  }

  /** After each renewal. */
  async #tidy(): Promise<void> {
    if (this.#tidied === this.#renewed) return
    this.#tidied = this.#renewed
    await this.#session.tidy()
  }

  async #summarize(): Promise<void> {
    const now = this.#context.clock.now()
    if (Math.abs(now - this.#summarizedAt) < SUMMARY_EVERY_MS) return
    this.#summarizedAt = now
    await this.#session.storeSummary()
  }

  #failed(cause: unknown): void {
    const error = toRepriseError(cause)
    this.#error = error
    this.#meter.failed(error)
    this.#context.logger.warn('mirroring failed', {code: error.code, message: error.message})
    if (error.code === 'LEASE_LOST') {
      if (!this.#lost) this.#onLost(error)
      this.#lost = error
    } else if (error.kind === 'unreachable') this.#clean = false
  }
}

const PASSING = [
  'STORE_UNREACHABLE',
  'STORE_THROTTLED',
  'STORE_CONFLICT',
  'LOCAL_CHANGED',
  'SOURCE_CHANGED',
  'OBJECT_NOT_FOUND',
]

function stopped(): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'SYNC_INCOMPLETE',
    message: 'there was no time to store the rest',
  })
}

/** May go away by itself. */
function isPassing(error: unknown): boolean {
  return hasCode(error, ...PASSING)
}
