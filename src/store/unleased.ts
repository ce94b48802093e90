import type {TranscriptRef} from './names.js'
import type {Tail} from './leased-transcript.js'
import type {TranscriptView} from './view.js'
import {
  lastMs,
  type Run,
  type Stamp,
  type WriteContext,
  writeRange,
  writeRangeAt,
  type WrittenPart,
} from './write-part.js'

/** Where a writer without a lease goes on. */
export interface AppendPoint {
  readonly length: number
  readonly digest: string
  readonly epoch: number
  readonly gen: number
  readonly lastMs: number
  /** The store's clock when this was found or written; without it a name is not held against it. */
  readonly date?: number
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
    date: listing.date,
  }
}

/** The point after an append of one's own. */
export function pointAfter({part, date}: WrittenPart): AppendPoint {
  const {to, after, epoch, gen} = part.range
  return {length: to, digest: after, epoch, gen, lastMs: part.parsed?.ms ?? 0, date}
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
  return writeRange(context, ref, runFrom(point, tail), stampOf(point), point.lastMs, point.date)
}

/**
 * The same under a name whose time was fixed before the lease record was read.
 *
 * @returns undefined when that name is taken: list again.
 */
export async function appendUnleasedAt(
  context: WriteContext,
  ref: TranscriptRef,
  point: AppendPoint,
  tail: Tail,
  ms: number,
): Promise<WrittenPart | undefined> {
  return writeRangeAt(context, ref, runFrom(point, tail), stampOf(point), ms)
}

function runFrom({length, digest}: AppendPoint, tail: Tail): Run {
  return {...tail, from: length, before: digest}
}

function stampOf({epoch, gen}: AppendPoint): Stamp {
  return {epoch, leased: false, gen}
}
