import type {Segment} from './deliver.js'
import type {Parts} from './parts.js'

export interface FetchOptions {
  /** Requests under way at once. Default 48: small parts cost a round trip each, whatever their size. */
  readonly concurrency?: number
  /** Bytes asked for and not yet taken. Default 8 MiB: several transcripts may be read at a time. */
  readonly window?: number
}

export interface Fetched {
  readonly piece: Segment
  readonly chunks: readonly Uint8Array[]
}

/** A longer segment is fetched in pieces of this size. */
const PIECE = 2 * 1024 * 1024

/**
 * The bytes of segments in their order, in pieces, the next ones under way while one is used, with bounded memory.
 *
 * @param signal when it aborts, nothing more is asked for.
 * @throws OBJECT_NOT_FOUND when a part is gone, PART_DAMAGED when it has another size than it was listed with.
 */
export async function* fetchAhead(
  segments: Iterable<Segment>,
  parts: Parts,
  signal: AbortSignal,
  {concurrency = 48, window = 8 * 1024 * 1024}: FetchOptions = {},
): AsyncIterable<Fetched> {
  const source = piecesOf(segments)
  const flying: {readonly piece: Segment; readonly chunks: Promise<Uint8Array[]>}[] = []
  let asked = 0
  let next = source.next()
  while (!signal.aborted) {
    while (!next.done && flying.length < concurrency && (flying.length === 0 || asked + sizeOf(next.value) <= window)) {
      const chunks = fetchPiece(parts, next.value)
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

function* piecesOf(segments: Iterable<Segment>): Iterator<Segment> {
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

function sizeOf({start, end}: Segment): number {
  return end - start
}
