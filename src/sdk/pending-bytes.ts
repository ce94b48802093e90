import type {Clock} from '../base/clock.js'
import {RepriseError} from '../base/errors.js'
import {ByteBudget} from '../base/byte-budget.js'
import {type EncodedEntry, sizeOf} from './encode.js'
import type {Keep} from './transcript-mirror.js'

/** The SDK gives a call up after 60 s without trying it again: a refusal in time is worth more. */
const LONGEST_WAIT_MS = 30_000

/**
 * Bounds what is in memory of calls that are not stored: half of it for those that wait, where one that finds no room waits for it
 * in the order of the calls; half for those that were rejected and are kept.
 */
export class PendingBytes implements Keep {
  readonly #budget: ByteBudget
  readonly #clock: Clock
  #room: number
  readonly #outside = new Set<readonly EncodedEntry[]>()

  constructor(limit: number, clock: Clock) {
    this.#budget = new ByteBudget(limit / 2)
    this.#room = limit / 2
    this.#clock = clock
  }

  /** What waits for room. */
  get outside(): {readonly entries: number; readonly bytes: number} {
    const all = [...this.#outside].flat()
    return {entries: all.length, bytes: sizeOf(all)}
  }

  take(bytes: number): boolean {
    if (bytes > this.#room) return false
    this.#room -= bytes
    return true
  }

  give(bytes: number): void {
    this.#room += bytes
  }

  /** @throws MIRROR_BACKLOG when there is no room for too long. */
  async hold(
    entries: readonly EncodedEntry[],
    work: (entries: readonly EncodedEntry[]) => Promise<void>,
  ): Promise<void> {
    const waiting = new AbortController()
    const admitted = new AbortController()
    const bytes = sizeOf(entries)
    const enter = (): void => {
      this.#outside.delete(entries)
      admitted.abort()
    }
    this.#outside.add(entries)
    if (!this.#budget.hasRoom(bytes)) {
      void this.#clock.sleep(LONGEST_WAIT_MS, admitted.signal).then(
        () => waiting.abort(backlog()),
        () => undefined,
      )
    }
    try {
      await this.#budget.hold(bytes, waiting.signal, async () => {
        enter()
        await work(entries)
      })
    } finally {
      enter()
    }
  }
}

function backlog(): RepriseError {
  return new RepriseError({
    kind: 'unreachable',
    code: 'MIRROR_BACKLOG',
    message: 'more waits to be stored than fits in memory, and the store does not take it',
    suggestions: ['Look at the store: reprise doctor', 'Append less at once, or raise maxPendingBytes.'],
  })
}
