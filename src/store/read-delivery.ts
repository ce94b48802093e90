import {createHash, type Hash} from 'node:crypto'
import {damagedPart} from './chain.js'
import type {Segment} from './deliver.js'
import {isRanged} from './part.js'
import type {Parts} from './parts.js'
import type {TranscriptView} from './view.js'

export interface ReadOptions {
  /** Requests under way at once. Default 16. */
  readonly concurrency?: number
  /** Bytes asked for and not yet taken. Default 8 MiB: several transcripts may be read at a time. */
  readonly window?: number
  /** Given at the end, when all was verified: the hash of the path's bytes, to go on from. */
  readonly onVerified?: (hash: Hash) => void
}

/** A longer segment is fetched in pieces of this size. */
const PIECE = 2 * 1024 * 1024

/**
 * What readers are given, in order, fetched ahead in parallel with bounded memory. The path's bytes are verified against the digests
 * of its parts as they pass.
 *
 * @throws PART_DAMAGED; OBJECT_NOT_FOUND when a part was moved meanwhile: view again.
 */
export async function* readDelivery(
  {delivery, resolution}: TranscriptView,
  parts: Parts,
  {concurrency = 16, window = 8 * 1024 * 1024, onVerified}: ReadOptions = {},
): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  const abort = new AbortController()
  const fetched = fetchAhead(pieces(delivery.segments), (piece) => fetchPiece(parts, piece), concurrency, window, abort)
  try {
    for await (const {piece, chunks} of fetched) {
      for (const chunk of chunks) {
        if (piece.path) hash.update(chunk)
        yield chunk
      }
      const {part} = piece
      if (piece.path && isRanged(part) && piece.end === part.size && hash.copy().digest('hex') !== part.range.after) {
        throw damagedPart(part)
      }
      if (piece.unterminated) yield Uint8Array.of(0x0a)
    }
  } finally {
    abort.abort()
  }
  if (resolution.end && hash.copy().digest('hex') !== resolution.digest) throw damagedPart(resolution.end)
  onVerified?.(hash)
}

function* pieces(segments: readonly Segment[]): Iterable<Segment> {
  for (const segment of segments) {
    for (let start = segment.start; start < segment.end; start += PIECE) {
      const end = Math.min(start + PIECE, segment.end)
      const {unterminated: _, ...rest} = segment
      yield {...rest, start, end, ...(segment.unterminated && end === segment.end && {unterminated: true as const})}
    }
  }
}

async function fetchPiece(parts: Parts, {part, start, end}: Segment): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of parts.read(part, start, end)) chunks.push(chunk)
  return chunks
}

interface Fetched {
  readonly piece: Segment
  readonly chunks: Uint8Array[]
}

/** Results in order, the next ones under way while one is used. */
async function* fetchAhead(
  all: Iterable<Segment>,
  fetch: (piece: Segment) => Promise<Uint8Array[]>,
  concurrency: number,
  window: number,
  {signal}: AbortController,
): AsyncIterable<Fetched> {
  const source = all[Symbol.iterator]()
  const flying: {piece: Segment; chunks: Promise<Uint8Array[]>}[] = []
  let asked = 0
  let next = source.next()
  while (!signal.aborted) {
    while (!next.done && flying.length < concurrency && (flying.length === 0 || asked + sizeOf(next.value) <= window)) {
      const chunks = fetch(next.value)
      chunks.catch(() => undefined) // reported when its turn comes
      flying.push({piece: next.value, chunks})
      asked += sizeOf(next.value)
      next = source.next()
    }
    const first = flying.shift()
    if (!first) return
    yield {piece: first.piece, chunks: await first.chunks}
    asked -= sizeOf(first.piece)
  }
}

function sizeOf({start, end}: Segment): number {
  return end - start
}
