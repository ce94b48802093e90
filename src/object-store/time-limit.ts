import type {Clock} from '../base/clock.js'
import {storeError} from './errors.js'

export interface TimeLimitOptions {
  readonly clock: Clock
  /** The time in which nothing moves; undefined: no limit. */
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
}

/**
 * A limit on the time in which nothing moves (not on the whole, which a large body may need). Waits follow one another, one
 * at a time; time between them does not count. However many there are, there is one timer, set anew only when it has run out.
 */
export class TimeLimit {
  readonly #options: TimeLimitOptions
  readonly #hit: AbortController | undefined
  readonly #over: AbortController | undefined
  /** Aborts when the limit is hit, or with the caller's. */
  readonly signal: AbortSignal | undefined
  #movedAt = 0
  #fail: ((error: unknown) => void) | undefined
  #isWatching = false

  constructor(options: TimeLimitOptions) {
    const {timeoutMs, signal} = options
    this.#options = options
    this.signal = signal
    if (timeoutMs === undefined) return
    this.#hit = new AbortController()
    this.#over = new AbortController()
    this.signal = AbortSignal.any([this.#hit.signal, ...(signal ? [signal] : [])])
  }

  /** Something has moved: the limit counts from now. */
  moved(): void {
    this.#movedAt = this.#options.clock.now()
  }

  /**
   * Waits for `work`, so long as it moves.
   *
   * @throws STORE_UNREACHABLE when the limit is hit; what the work does after that is ignored.
   */
  async wait<T>(work: () => Promise<T>): Promise<T> {
    const {timeoutMs} = this.#options
    if (timeoutMs === undefined) return work()
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#fail = reject
        this.moved()
        if (!this.#isWatching) void this.#watch(timeoutMs)
        work().then(resolve, reject)
      })
    } finally {
      this.#fail = undefined
    }
  }

  /** Gives the timer back. Nothing may be waited for after it. */
  end(): void {
    this.#over?.abort()
  }

  /** Ends by itself when it wakes up and nobody waits, so that a stream left alone keeps no process alive. */
  async #watch(timeoutMs: number): Promise<void> {
    const {clock} = this.#options
    this.#isWatching = true
    try {
      for (let left = timeoutMs; left > 0; left = this.#movedAt + timeoutMs - clock.now()) {
        await clock.sleep(left, this.#over?.signal)
        if (this.#fail === undefined) return
      }
      const error = storeError('STORE_UNREACHABLE', `The store did not answer within ${timeoutMs} ms.`)
      this.#fail?.(error)
      this.#hit?.abort(error)
    } catch {
      // Nobody waits any more.
    } finally {
      this.#isWatching = false
    }
  }
}
