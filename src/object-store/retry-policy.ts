import type {Clock, Random} from '../base/clock.js'
import {hasCode, RepriseError} from '../base/errors.js'
import {Pace, type PaceRound} from './pace.js'

const RETRYABLE = ['STORE_CONFLICT', 'STORE_THROTTLED', 'STORE_UNREACHABLE']

/** Whether a failure with this code may be none on another try. */
export function isRetryable(code: string): boolean {
  return RETRYABLE.includes(code)
}

export interface RetryNotice {
  /** A call of the port, or by S3's name the request inside of one that was repeated alone: `UploadPart`. */
  readonly operation: string
  /** A listing's prefix; the first key of a delete. */
  readonly key: string
  /** The try that failed, from 1. */
  readonly attempt: number
  readonly waitedMs: number
  readonly error: RepriseError
}

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  /** Tries in all, the first included. A body or a listing that moves on between two failures starts to count anew. Default 5. */
  readonly attempts?: number
  /** The first wait is random between 0 and this; the range doubles with each try. Default 200 ms. */
  readonly baseMs?: number
  /** Default 10 s. */
  readonly maxMs?: number
  readonly onRetry?: (notice: RetryNotice) => void
}

/** What is tried, for notices and for giving up early. */
export interface Retried {
  readonly operation: string
  readonly key: string
  readonly signal?: AbortSignal | undefined
}

/**
 * What may succeed on another try is tried again: undecided races, throttling, and stores that did not answer. One policy serves
 * all that sends to a store, at one pace, and whoever repeats a call as a whole does not repeat what has been repeated to the end
 * inside of it.
 */
export class RetryPolicy {
  readonly #attempts: number
  readonly #pace: Pace
  readonly #onRetry: RetryOptions['onRetry']
  /** Failures after which no try was left. */
  readonly #final = new WeakSet<RepriseError>()

  constructor({clock, random, attempts = 5, baseMs = 200, maxMs = 10_000, onRetry}: RetryOptions) {
    this.#attempts = attempts
    this.#pace = new Pace({clock, random, baseMs, maxMs})
    this.#onRetry = onRetry
  }

  /** For what is made of several calls: a listing, a body. */
  begin(retried: Retried): Tries {
    return new Tries(retried, {
      attempts: this.#attempts,
      pace: this.#pace,
      final: this.#final,
      onRetry: this.#onRetry,
    })
  }

  /** @param call may be run any number of times, one after the other */
  async repeat<T>(retried: Retried, call: (tries: Tries) => Promise<T>): Promise<T> {
    const tries = this.begin(retried)
    for (;;) {
      try {
        return await tries.paced(async () => call(tries))
      } catch (error) {
        await tries.failed(error)
      }
    }
  }
}

interface Shared {
  readonly attempts: number
  readonly pace: Pace
  readonly final: WeakSet<RepriseError>
  readonly onRetry: RetryOptions['onRetry']
}

/** Counts the tries of one call. */
export class Tries {
  readonly #retried: Retried
  readonly #shared: Shared
  #round: PaceRound = 0
  #mayHaveLanded = false
  #attempt = 1

  constructor(retried: Retried, shared: Shared) {
    this.#retried = retried
    this.#shared = shared
  }

  /** The try that is under way, from 1. */
  get attempt(): number {
    return this.#attempt
  }

  /** Whether an earlier try of a write may have been carried out. */
  get mayHaveLanded(): boolean {
    return this.#mayHaveLanded
  }

  get isLast(): boolean {
    return this.#attempt >= this.#shared.attempts
  }

  /** Makes a call no sooner than the store takes one now. */
  async paced<T>(call: () => Promise<T>): Promise<T> {
    const {pace} = this.#shared
    this.#round = await pace.beforeCall(this.#retried.signal)
    const result = await call()
    pace.succeeded(this.#round)
    return result
  }

  /** Something came: a failure after it is a new one. */
  moved(): void {
    this.#attempt = 1
  }

  /** Resolves when it is time to try again; rejects when there is no use in it. */
  async failed(error: unknown): Promise<void> {
    const {operation, key, signal} = this.#retried
    const {pace, final, onRetry} = this.#shared
    if (this.#mayHaveLanded && hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED')) throw retried(error)
    if (!hasCode(error, ...RETRYABLE) || signal?.aborted === true || final.has(error)) throw error
    if (error.code === 'STORE_THROTTLED') pace.throttled(this.#round)
    if (typeof error.details['retryAfterMs'] === 'number') pace.hold(error.details['retryAfterMs'])
    if (this.isLast) {
      final.add(error)
      throw error
    }
    // A store that could not decide has written nothing.
    if (error.code !== 'STORE_CONFLICT') this.#mayHaveLanded = true
    const waitedMs = await pace.beforeRetry(this.#attempt, signal)
    onRetry?.({operation, key, attempt: this.#attempt, waitedMs, error})
    this.#attempt++
  }
}

function retried({kind, code, message, suggestions, details, cause}: RepriseError): RepriseError {
  return new RepriseError({kind, code, message, suggestions, cause, details: {...details, retried: true}})
}
