import type {Clock} from '../../../src/base/clock.js'

/** Time that passes when a test says so. */
export class ManualClock implements Clock {
  #now: number
  readonly #sleepers = new Set<{readonly due: number; readonly wake: () => void}>()

  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  get sleeping(): number {
    return this.#sleepers.size
  }

  now(): number {
    return this.#now
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const end = (): void => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason as Error)
      }
      const wake = (): void => {
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const sleeper = {due: this.#now + ms, wake}
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', end)
    })
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    for (const sleeper of this.#sleepers) {
      if (sleeper.due > this.#now) continue
      this.#sleepers.delete(sleeper)
      sleeper.wake()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
