import {setMaxListeners} from 'node:events'
import {toRepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import type {Compacted, CompactionOptions} from './compact-transcript.js'

/** A transcript that parts are appended to. */
export interface GrowingTranscript {
  /** As far as known. */
  readonly parts: number

  /** Merges what has become many parts. Runs beside appends. @throws what the store throws */
  compact(options: CompactionOptions): Promise<Compacted | undefined>
}

export interface BackgroundCompactionOptions {
  /** Parts of a transcript at which it is compacted; 0: never. */
  readonly compactAt: number
  /** Whether this identity may delete. Whoever may not would only add copies. */
  readonly mayDelete: () => Promise<boolean>
  readonly logger: Logger
}

/** As many parts may stay when a store is closed. */
const AT_CLOSE = 24
/** Parts that have to come before it is worth another look. */
const STEP = 32

/** Compacts one transcript beside its appends, never in their way. */
export class BackgroundCompaction {
  readonly #transcript: GrowingTranscript
  readonly #options: BackgroundCompactionOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  /** Parts that were left by the last one. */
  #left = 0

  constructor(transcript: GrowingTranscript, options: BackgroundCompactionOptions) {
    this.#transcript = transcript
    this.#options = options
    setMaxListeners(0, this.#stopping.signal) // one for each request under way
  }

  /** The transcript has a part more. */
  grown(): void {
    const {compactAt} = this.#options
    const {parts} = this.#transcript
    if (compactAt > 0 && parts > compactAt && parts >= this.#left + Math.min(STEP, compactAt)) this.#start()
  }

  /** Until what is under way has ended. Never rejects. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Before the store is closed. */
  async finish(): Promise<void> {
    await this.#running
    if (this.#options.compactAt > 0 && this.#transcript.parts > Math.max(AT_CLOSE, this.#left)) this.#start()
    await this.#running
  }

  /** What is under way ends soon; what it leaves is finished by the next one. */
  stop(): void {
    this.#stopping.abort(new Error('the store is closed'))
  }

  #start(): void {
    this.#running ??= this.#compact()
      .catch((error: unknown) => {
        // Whoever moved parts under it was compacting too.
        this.#options.logger.debug('a compaction was left to the next one', {code: toRepriseError(error).code})
      })
      .finally(() => {
        this.#left = this.#transcript.parts
        this.#running = undefined
      })
  }

  async #compact(): Promise<void> {
    if (!(await this.#options.mayDelete())) return
    const {signal} = this.#stopping
    const done = await this.#transcript.compact({signal})
    if (done) this.#options.logger.debug('compacted', {...done, waiting: done.waiting.length})
  }
}
