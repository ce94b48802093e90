import {EMPTY_SHA256} from '../base/hash.js'
import type {TranscriptView} from './view.js'
import {lastMs, type WrittenPart} from './write-part.js'

/** Where the holder of a lease goes on. */
export interface TranscriptEnd {
  readonly length: number
  readonly digest: string
  /** Of the part that the path ends in. */
  readonly epoch: number
  readonly gen: number
  readonly lastMs: number
  /** The store's clock when this was found or written. */
  readonly date: number
}

export function endOf({resolution, listing}: TranscriptView): TranscriptEnd {
  return {
    length: resolution.length,
    digest: resolution.length === 0 ? EMPTY_SHA256 : resolution.digest,
    epoch: resolution.end?.range.epoch ?? 0,
    gen: resolution.tip?.range.gen ?? 0,
    lastMs: lastMs(listing),
    date: listing.date,
  }
}

export function endAfter({part, date}: WrittenPart, gen: number): TranscriptEnd {
  const {to, after, epoch} = part.range
  return {length: to, digest: after, epoch, gen, lastMs: part.parsed?.ms ?? 0, date}
}
