import {createHash, type Hash} from 'node:crypto'
import {EMPTY_SHA256} from '../base/hash.js'
import {readLines} from '../transcript/lines.js'
import {ArchiveNames} from './archive-names.js'
import {countNewlines} from './bytes.js'
import {encoded} from './codec.js'
import {createPiece} from './create-piece.js'
import type {Lease} from './lease.js'
import {archivePrefix, type TranscriptRef} from './names.js'
import type {Codec, PartRange, RangedPart} from './part.js'
import {readDelivery} from './read-delivery.js'
import {highestEpoch} from './rebase.js'
import {type TranscriptView, viewTranscript} from './view.js'
import {type WriteContext, writeRangeAt} from './write-part.js'

/** Bytes of a transcript in one archived object; a longer line has one of its own. */
export const PIECE_BYTES = 8 * 1024 * 1024

export interface Archived {
  /** As it lay there. */
  readonly view: TranscriptView
  /** Before and after compression. */
  readonly bytes: number
  readonly packed: number
  /** Keys in the archive that are needless now, to be deleted first: who dies in between leaves what tells the next one to begin anew. */
  readonly stale: readonly string[]
  /** Keys under the transcript's prefix, to be deleted when readers in flight have had their time. */
  readonly displaced: readonly string[]
  /** The store's clock when the archive was complete. */
  readonly date: number
}

/**
 * Moves a transcript to the archive, packed: its bytes go to objects of their own below `.reprise/archive/`, and an empty part at its
 * end stays where it lay. Under the session's lease, on a settled transcript without anything beside its chain.
 *
 * @param pieceBytes how much goes into one object.
 * @returns undefined where something stands beside the chain, or nothing is to be archived.
 * @throws LEASE_LOST, PART_DAMAGED: then nothing is displaced.
 */
export async function archiveTranscript(
  context: WriteContext,
  lease: Lease,
  ref: TranscriptRef,
  codec: Codec,
  pieceBytes = PIECE_BYTES,
): Promise<Archived | undefined> {
  const {parts} = context
  const view = await viewTranscript(parts, ref, {journals: 'always'})
  const {resolution, delivery} = view
  const isOneChain = delivery.straight && resolution.forks.length + resolution.loose.length === 0
  if (!isOneChain || view.archived.length > 0 || resolution.length === 0) return undefined
  // Of tries that died, and of restores that did: what is packed now takes their place.
  const stale = await parts.listArchive(ref)
  // Two epochs above the rest: the end outranks the pieces, which count for nothing as long as they are not all there; and who merges
  // must take neither for something that the path covers.
  const highest = highestEpoch(view.parts)
  if (lease.epoch < highest + 2) await lease.raiseAbove(highest + 1)
  let date = await writeEnd(context, lease, view)
  const made: string[] = []
  let packed = 0
  try {
    for await (const piece of pack(context, lease, view, stale, codec, pieceBytes)) {
      made.push(piece.key)
      packed += piece.size
      ;({date} = piece)
      await lease.confirm(date)
    }
    // A holder that was robbed of its lease must delete nothing, whatever the dates say: another may be at the same by now.
    await lease.renew()
  } catch (error) {
    // Nobody relies on pieces of which some are missing.
    await parts.store.delete(made).catch(() => undefined)
    throw error
  }
  return {
    view,
    bytes: resolution.length,
    packed,
    stale: stale.map(({key}) => key),
    displaced: displacedBy(view),
    date,
  }
}

/** Whether all bytes of a transcript lie in the archive, and nothing that they stand for is left beside it. */
export function isArchived({resolution: {slices, covered, displaced}}: TranscriptView): boolean {
  const isWhole = slices.some(({part}) => part.codec !== undefined) && slices.every(({part}) => isPacked(part))
  return isWhole && covered.every(isPacked) && displaced.length === 0
}

function isPacked({codec, size}: RangedPart): boolean {
  return codec !== undefined || size === 0
}

/** Fenced parts stay: what is in them was cut off, and is kept for people to look at. */
function displacedBy({parts, resolution: {on, covered, displaced}}: TranscriptView): readonly string[] {
  const path = parts.filter(({name}) => on.has(name))
  return [...path, ...covered, ...displaced].map(({key}) => key)
}

/**
 * An empty part, right behind the last one: what is archived keeps its place in listings that go by names.
 *
 * @returns the store's clock when it was there.
 */
async function writeEnd(
  context: WriteContext,
  lease: Lease,
  {ref, parts, resolution: {length, digest, tip}}: TranscriptView,
): Promise<number> {
  const run = {from: length, to: length, before: digest, after: digest, entries: 0, body: new Uint8Array(0)}
  const stamp = {epoch: lease.epoch, leased: true, gen: tip?.range.gen ?? 0}
  const last = parts.reduce((ms, {parsed}) => Math.max(ms, parsed?.ms ?? 0), 0)
  for (let ms = last + 1; ; ms++) {
    const written = await writeRangeAt(context, ref, run, stamp, ms)
    if (!written) continue
    await lease.confirm(written.date)
    return written.date
  }
}

interface Packed {
  readonly key: string
  readonly size: number
  /** The store's clock when it was there. */
  readonly date: number
}

/** @throws PART_DAMAGED */
async function* pack(
  {parts, random, machine}: WriteContext,
  lease: Lease,
  view: TranscriptView,
  stale: readonly RangedPart[],
  codec: Codec,
  pieceBytes: number,
): AsyncIterable<Packed> {
  const {ref, resolution} = view
  const names = new ArchiveNames(view, stale, random)
  const gen = resolution.tip?.range.gen ?? 0
  const writer = resolution.end?.range.machine ?? machine
  for await (const {bytes, ...run} of cutPieces(readDelivery(view, parts), pieceBytes)) {
    const body = await encoded(bytes, codec)
    const stamp = {epoch: lease.epoch - 1, leased: true, gen}
    const range: PartRange = {...run, entries: countNewlines(bytes), ...stamp, machine: writer}
    const key = archivePrefix(ref) + names.of(range)
    yield {key, size: body.byteLength, date: await createPiece(parts, key, body, range, codec)}
  }
}

interface Piece extends Pick<PartRange, 'from' | 'to' | 'before' | 'after'> {
  readonly bytes: Uint8Array
}

/** Whole lines, up to the size of a piece. */
async function* cutPieces(chunks: AsyncIterable<Uint8Array>, most: number): AsyncIterable<Piece> {
  const hash: Hash = createHash('sha256')
  let end = {to: 0, after: EMPTY_SHA256}
  let lines: Uint8Array[] = []
  let size = 0
  const cut = (): Piece => {
    const bytes = Buffer.concat(lines)
    const {to: from, after: before} = end
    end = {to: from + bytes.byteLength, after: hash.update(bytes).copy().digest('hex')}
    lines = []
    size = 0
    return {from, before, bytes, ...end}
  }
  for await (const {bytes} of readLines(chunks)) {
    if (size > 0 && size + bytes.byteLength > most) yield cut()
    lines.push(bytes)
    size += bytes.byteLength
  }
  if (size > 0) yield cut()
}
