import type {TranscriptRef} from './names.js'
import type {Tail} from './leased-transcript.js'
import type {TranscriptView} from './view.js'
import {lastMs, type Stamp, type WriteContext, writeRange, type WrittenPart} from './write-part.js'

/** Where a writer without a lease goes on. */
export interface AppendPoint {
  readonly length: number
  readonly digest: string
  readonly epoch: number
  readonly gen: number
  readonly lastMs: number
}

/**
 * The end of the path. @returns undefined where loose or forked parts stand: who holds no lease appends a loose part there,
 * since only a lease holder may bring the transcript back to one chain.
 */
export function appendPoint({resolution, delivery, listing}: TranscriptView): AppendPoint | undefined {
  if (!delivery.straight || resolution.loose.length > 0 || resolution.forks.length > 0) return undefined
  return {
    length: resolution.length,
    digest: resolution.digest,
    epoch: resolution.tip?.range.epoch ?? 0,
    gen: resolution.tip?.range.gen ?? 0,
    lastMs: lastMs(listing),
  }
}

/** The point after an append of one's own. */
export function pointAfter({part}: WrittenPart): AppendPoint {
  const {to, after, epoch, gen} = part.range
  return {length: to, digest: after, epoch, gen, lastMs: part.parsed?.ms ?? 0}
}

/**
 * Appends without a lease: the part is never fenced, and where another wrote at the same place both are delivered once.
 * Acknowledged when it resolves.
 */
export async function appendUnleased(
  context: WriteContext,
  ref: TranscriptRef,
  point: AppendPoint,
  tail: Tail,
): Promise<WrittenPart> {
  const stamp: Stamp = {epoch: point.epoch, leased: false, gen: point.gen}
  return writeRange(context, ref, {...tail, from: point.length, before: point.digest}, stamp, point.lastMs)
}
