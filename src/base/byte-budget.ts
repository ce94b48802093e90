/** Keeps what is held in memory at one time below a limit; first come, first served. */
export class ByteBudget {
  readonly #limit: number
  readonly #waiting: {readonly bytes: number; readonly admit: () => void}[] = []
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Runs `work` when `bytes` are free. More than the whole limit waits until nothing else is held. Rejects with the
   * signal's reason when it aborts while waiting.
   */
  async hold<T>(bytes: number, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const held = Math.min(bytes, this.#limit)
    await this.#acquire(held, signal)
    try {
      return await work()
    } finally {
      this.#used -= held
      this.#admitWaiting()
    }
  }

  /** Whether `hold` would begin at once. */
  hasRoom(bytes: number): boolean {
    return this.#waiting.length === 0 && this.#used + Math.min(bytes, this.#limit) <= this.#limit
  }

  async #acquire(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.hasRoom(bytes)) {
      this.#used += bytes
      return
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(signal?.reason as Error)
        this.#admitWaiting()
      }
      const entry = {
        bytes,
        admit: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      this.#waiting.push(entry)
      signal?.addEventListener('abort', onAbort, {once: true})
    })
  }

  #admitWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#used + next.bytes > this.#limit) return
      this.#waiting.shift()
      this.#used += next.bytes
      next.admit()
    }
  }
}
