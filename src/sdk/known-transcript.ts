import {type Compacted, type CompactionOptions, compactTranscript} from '../store/compact-transcript.js'
import type {TranscriptRef} from '../store/names.js'
import type {PartListing} from '../store/parts.js'
import type {WriteContext} from '../store/write-part.js'
import {bytesOf} from './knowledge.js'
import type {Piece} from './piece.js'
import type {SummaryFold} from './summary-fold.js'
import type {SummaryState} from './summary-keeper.js'

/** What a writer knows of its transcript, kept up as it writes. */
export class KnownTranscript {
  #ids = new Set<string>()
  #parts = 0
  /** Of all that is listed. */
  #bytes = 0
  /** Undefined where the transcript is not known whole. */
  #summary: SummaryFold | undefined

  get parts(): number {
    return this.#parts
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** It was deleted. */
  forget(): void {
    this.#ids = new Set()
  }

  /** What a listing shows; of the ids and the summary nothing is known yet. */
  listed(listing: PartListing): void {
    this.#parts = listing.parts.length
    this.#bytes = bytesOf(listing)
    this.#summary = undefined
  }

  /** @param knowledge without ids: it holds nothing yet. */
  learned({ids, summary}: {readonly ids?: Set<string>; readonly summary: SummaryFold | undefined}): void {
    this.#ids = ids ?? new Set()
    this.#summary = summary
  }

  wrote(piece: Piece): void {
    this.#parts++
    this.#bytes += piece.body.byteLength
    for (const {id, line} of piece.entries) {
      if (id !== undefined) this.#ids.add(id)
      this.#summary?.add(line)
    }
  }

  async compact(context: WriteContext, ref: TranscriptRef, options: CompactionOptions): Promise<Compacted> {
    const before = this.#parts
    const done = await compactTranscript(context, ref, options)
    // Parts that were written meanwhile count on.
    this.#parts = done.after + this.#parts - before
    this.#bytes += done.bytesWritten - done.bytesDeleted
    return done
  }

  state({parts: {store}}: WriteContext, ref: TranscriptRef, lastMs: number): SummaryState | undefined {
    const fold = this.#summary
    return fold && {store, ref, fold, lastMs, parts: this.#parts, bytes: this.#bytes}
  }
}
