import type {Clock} from '../base/clock.js'
import {toRepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {SessionRef} from '../store/names.js'
import {readSummary, summaryOf, writeSummary} from '../store/summary-record.js'
import {writeSdkSummary} from './sdk-summary.js'
import type {SummaryFold} from './summary-fold.js'

const SDK_EVERY_MS = 1_000
const OWN_EVERY_MS = 60_000

export interface SummaryKeeperOptions {
  readonly machine: string
  readonly clock: Clock
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  readonly logger: Logger
}

/** What a main transcript amounts to at an instant. */
export interface SummaryState {
  readonly store: ObjectStore
  readonly ref: SessionRef
  readonly fold: SummaryFold
  /** `ms` of the name of the last part. */
  readonly lastMs: number
  readonly parts: number
  /** Of all objects that a listing of the transcript shows. */
  readonly bytes: number
}

/**
 * Writes a session's summaries behind its parts: the SDK's at most once a second, ours at most once a minute, both at a flush, one write
 * at a time. They are derived data: a failure is logged and no more.
 */
export class SummaryKeeper {
  readonly #options: SummaryKeeperOptions
  readonly #state: () => SummaryState | undefined
  #loop: Promise<void> | undefined
  #hurry = new AbortController()
  #dirty = {sdk: false, own: false}
  #writtenAt = {sdk: Number.NEGATIVE_INFINITY, own: Number.NEGATIVE_INFINITY}

  /** @param state undefined while the transcript is not known whole. */
  constructor(options: SummaryKeeperOptions, state: () => SummaryState | undefined) {
    this.#options = options
    this.#state = state
  }

  /** The transcript has grown. */
  touch(): void {
    this.#dirty = {sdk: true, own: true}
    this.#loop ??= this.#work().finally(() => {
      this.#loop = undefined
    })
  }

  /** Resolves when what is known now is written, or could not be. */
  async flush(): Promise<void> {
    this.#hurry.abort()
    await this.#loop
    await this.#write(true)
  }

  async #work(): Promise<void> {
    this.#hurry = new AbortController()
    const {signal} = this.#hurry
    while (!signal.aborted && (this.#dirty.sdk || this.#dirty.own)) {
      await this.#write(false)
      if (!this.#dirty.sdk && !this.#dirty.own) return
      const next = Math.min(
        this.#dirty.sdk ? this.#writtenAt.sdk + SDK_EVERY_MS : Number.POSITIVE_INFINITY,
        this.#dirty.own ? this.#writtenAt.own + OWN_EVERY_MS : Number.POSITIVE_INFINITY,
      )
      const pause = Math.max(next - this.#options.clock.now(), 10)
      await this.#options.background.sleep(pause, signal).catch(() => undefined)
    }
  }

  async #write(all: boolean): Promise<void> {
    const state = this.#state()
    if (!state) {
      this.#dirty = {sdk: false, own: false}
      return
    }
    const now = this.#options.clock.now()
    const isDue = (kind: 'sdk' | 'own', every: number): boolean =>
      this.#dirty[kind] && (all || now - this.#writtenAt[kind] >= every)
    try {
      if (isDue('sdk', SDK_EVERY_MS)) {
        this.#dirty.sdk = false
        this.#writtenAt.sdk = now
        await this.#writeSdk(state)
      }
      if (isDue('own', OWN_EVERY_MS)) {
        this.#dirty.own = false
        this.#writtenAt.own = now
        await this.#writeOwn(state)
      }
    } catch (error) {
      this.#options.logger.warn('a summary was not written', {code: toRepriseError(error).code})
    }
  }

  async #writeSdk({store, ref, fold, lastMs, bytes}: SummaryState): Promise<void> {
    const summary = fold.sdk(lastMs)
    if (summary) await writeSdkSummary(store, ref, {...summary, bytes})
  }

  async #writeOwn({store, ref, fold, parts}: SummaryState): Promise<void> {
    // A link that was made meanwhile has put them there.
    const {task, name} = (await readSummary(store, ref.sessionId)) ?? {}
    const labels = {...(task !== undefined && {task}), ...(name !== undefined && {name})}
    await writeSummary(store, summaryOf(ref, this.#options.machine, fold.own, {...labels, parts}))
  }
}
