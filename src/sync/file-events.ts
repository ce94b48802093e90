import {watch, type FSWatcher} from 'node:fs'
import type {Clock} from '../base/clock.js'

/** Lets a burst of writes by one turn go up in one part. */
const GATHER_MS = 100

/** Tells when something changes in a few directories, where their file system tells; nobody may rely on it. */
export class FileEvents {
  readonly #watchers: FSWatcher[] = []
  #wake: () => void = () => undefined
  #isClosed = false

  constructor(directories: readonly string[]) {
    for (const directory of directories) this.#watch(directory)
  }

  /** Until something changes (and a moment more), `ms` are over, or it is closed. Never rejects. */
  async next(clock: Clock, ms: number): Promise<void> {
    const waiting = new AbortController()
    const woken = new Promise<'woken'>((resolve) => {
      this.#wake = () => resolve('woken')
    })
    if (this.#isClosed) return
    const over = clock.sleep(ms, waiting.signal).catch(() => undefined)
    const reason = await Promise.race([woken, over])
    waiting.abort()
    if (reason === 'woken' && !this.#isClosed) await clock.sleep(GATHER_MS).catch(() => undefined)
  }

  close(): void {
    this.#isClosed = true
    for (const watcher of this.#watchers) watcher.close()
    this.#wake()
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, {persistent: false}, () => this.#wake())
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // It is not there yet, or its file system has no events.
    }
  }
}
