import type {Clock, Random} from '../base/clock.js'

/** What a store asks for with Retry-After is kept to up to here. */
const LONGEST_HOLD_MS = 60_000

/** What a store refused some time ago says little about now: after so long without a change the pause halves, and again each time. */
const HALF_LIFE_MS = 1_000

/** A number in [0, 1). */
function fraction(random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) / 2 ** 32
}

export interface PaceOptions {
  readonly clock: Clock
  readonly random: Random
  /** The first wait is between 0 and this (ms); the range doubles with each try. */
  readonly baseMs: number
  readonly maxMs: number
}

/** Names the pace that a call was sent at. */
export type PaceRound = number

/**
 * How fast calls go to one store, shared by all of them: before every call a pause, random within a range that doubles when the
 * store throttles and shrinks when it does not, with each success and with time; before a retry a wait with full jitter; and nothing at all before the time that
 * the store has named.
 *
 * The range changes once a round: what a call meets that was sent at an earlier pace says nothing about the present one, and
 * of many that are throttled together only the first counts.
 */
export class Pace {
  readonly #options: PaceOptions
  #pauseMs = 0
  #changedAt = 0
  #heldUntil = 0
  #round: PaceRound = 0

  constructor(options: PaceOptions) {
    this.#options = options
  }

  throttled(round: PaceRound): void {
    const {baseMs, maxMs} = this.#options
    this.#change(round, Math.min(maxMs, Math.max(baseMs, this.#pause() * 2)))
  }

  succeeded(round: PaceRound): void {
    const pause = this.#pause()
    if (this.#pauseMs > 0) this.#change(round, pause < 1 ? 0 : pause * 0.8)
  }

  /** The store wants to be left alone for so long. */
  hold(ms: number): void {
    const until = this.#options.clock.now() + Math.min(ms, LONGEST_HOLD_MS)
    this.#heldUntil = Math.max(this.#heldUntil, until)
  }

  /** Resolves when a call may be sent. Rejects with the signal's reason when it aborts first. */
  async beforeCall(signal: AbortSignal | undefined): Promise<PaceRound> {
    const ms = this.#held() + this.#jitter(this.#pause())
    if (ms >= 1) await this.#sleep(ms, signal)
    return this.#round
  }

  /**
   * Rejects with the signal's reason when it aborts first.
   *
   * @param attempt the one that failed, from 1
   * @returns the wait in ms, already spent
   */
  async beforeRetry(attempt: number, signal: AbortSignal | undefined): Promise<number> {
    const {baseMs, maxMs} = this.#options
    return this.#sleep(Math.max(this.#held(), this.#jitter(Math.min(maxMs, baseMs * 2 ** (attempt - 1)))), signal)
  }

  #change(round: PaceRound, pauseMs: number): void {
    if (round !== this.#round) return
    this.#pauseMs = pauseMs
    this.#changedAt = this.#options.clock.now()
    this.#round++
  }

  #pause(): number {
    const since = Math.max(0, this.#options.clock.now() - this.#changedAt - HALF_LIFE_MS)
    return this.#pauseMs * 0.5 ** (since / HALF_LIFE_MS)
  }

  #held(): number {
    return Math.max(0, this.#heldUntil - this.#options.clock.now())
  }

  #jitter(most: number): number {
    return most > 0 ? Math.floor(most * fraction(this.#options.random)) : 0
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<number> {
    try {
      await this.#options.clock.sleep(ms, signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
    return ms
  }
}
