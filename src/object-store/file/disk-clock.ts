import type {Clock} from '../../base/clock.js'
import {errno} from './disk-errors.js'
import {TEMP_FOLDER} from './names.js'
import type {Root} from './root.js'
import type {TempFiles} from './temp-files.js'

/** How long a date is given out again (ms): reads need not be more exact than S3's whole seconds. */
const FRESH = 500

/**
 * The disk's own clock for answers to reads. Writes date themselves. The machine's clock only says when to ask again; where
 * nothing of ours was ever written, or nothing can be, it must do.
 */
export class DiskClock {
  readonly #root: Root
  readonly #temps: TempFiles
  readonly #clock: Pick<Clock, 'now'>
  #asked: {readonly at: number; readonly date: Promise<number>} | undefined

  constructor(root: Root, temps: TempFiles, clock: Pick<Clock, 'now'>) {
    this.#root = root
    this.#temps = temps
    this.#clock = clock
  }

  async now(): Promise<number> {
    const at = this.#clock.now()
    if (this.#asked === undefined || at < this.#asked.at || at - this.#asked.at >= FRESH) {
      this.#asked = {at, date: this.#ask()}
    }
    return this.#asked.date
  }

  async #ask(): Promise<number> {
    try {
      if (await this.#root.holds(TEMP_FOLDER)) return await this.#temps.now()
    } catch (error) {
      if (errno(error) === undefined) throw error
    }
    return this.#clock.now()
  }
}
