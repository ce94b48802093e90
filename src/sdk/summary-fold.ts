import {parseObject} from '../transcript/entry-identity.js'
import {addLine, emptySummary, type TranscriptSummary} from '../transcript/summary.js'
import type {FoldSummary, SessionEntry, SessionKey, SummaryItem} from './types.js'

const BATCH = 256

/** What listings show of a main transcript, kept up as it grows: ours, and the SDK's where its fold is at hand. */
export class SummaryFold {
  readonly #key: SessionKey
  #fold: FoldSummary | undefined
  #own: TranscriptSummary = emptySummary
  #sdk: SummaryItem | undefined
  #waiting: SessionEntry[] = []

  constructor(key: SessionKey, fold: FoldSummary | undefined) {
    this.#key = key
    this.#fold = fold
  }

  /** @param line one whole line. Kept by nobody. */
  add(line: Uint8Array): void {
    this.#own = addLine(this.#own, {offset: this.#own.bytes, length: line.byteLength, bytes: line, state: 'whole'})
    const entry = this.#fold && parseObject(line)
    if (!entry) return
    this.#waiting.push({...entry} as SessionEntry)
    if (this.#waiting.length >= BATCH) this.#settle()
  }

  get own(): TranscriptSummary {
    return this.#own
  }

  /** @param mtime `ms` of the last part that the summary covers. */
  sdk(mtime: number): SummaryItem | undefined {
    this.#settle(mtime)
    return this.#sdk && {...this.#sdk, mtime}
  }

  #settle(mtime = 0): void {
    if (!this.#fold || this.#waiting.length === 0) return
    const entries = this.#waiting
    this.#waiting = []
    try {
      this.#sdk = this.#fold(this.#sdk, this.#key, entries, {mtime})
    } catch {
      // It is not ours, and what it makes is derived: a session without that summary is read whole by whoever wants one.
      this.#fold = undefined
      this.#sdk = undefined
    }
  }
}
