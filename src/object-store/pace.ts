import type {Clock, Random} from '../base/clock.js'

/** A number in [0, 1). */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) / 2 ** 32
}

interface BackoffOptions {
  readonly clock: Clock
  readonly random: Random
  /** The first wait is between 0 and this (ms); the range doubles with each try. */
  readonly baseMs: number
  readonly maxMs: number
}

/**
 * How long to wait: full jitter before a retry, and before every call a pause that grows while the store throttles and
 * melts away while it does not, so that many calls at once slow down together.
 */
export class Pace {
  readonly #options: BackoffOptions
  #pauseMs = 0

  constructor(options: BackoffOptions) {
    this.#options = options
  }

  throttled(): void {
    this.#pauseMs = Math.min(this.#options.maxMs, Math.max(this.#options.baseMs, this.#pauseMs * 2))
  }

  succeeded(): void {
    this.#pauseMs = this.#pauseMs < 1 ? 0 : this.#pauseMs * 0.8
  }

  async beforeCall(signal: AbortSignal | undefined): Promise<void> {
    if (this.#pauseMs >= 1) await this.#sleep(this.#pauseMs, signal)
  }

  /** @param attempt the one that failed, from 1. @returns the wait in ms, already spent. */
  async beforeRetry(attempt: number, signal: AbortSignal | undefined): Promise<number> {
    const {baseMs, maxMs} = this.#options
    return this.#sleep(Math.min(maxMs, baseMs * 2 ** (attempt - 1)), signal)
  }

  async #sleep(most: number, signal: AbortSignal | undefined): Promise<number> {
    const ms = Math.floor(most * fraction(this.#options.random))
    await this.#options.clock.sleep(ms, signal)
    return ms
  }
}
