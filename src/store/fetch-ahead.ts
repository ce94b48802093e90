import {readAhead, type ReadAheadOptions} from '../base/read-ahead.js'
import type {Segment} from './interleave.js'
import type {Parts} from './parts.js'

/** Default: 48 requests, since small parts cost a round trip each, and 14 MiB: what comes within a round trip. */
export type FetchOptions = Partial<ReadAheadOptions>

export interface Fetched {
  readonly piece: Segment
  readonly chunks: readonly Uint8Array[]
}

/** A longer segment is fetched in pieces of this size. */
const PIECE = 2 * 1024 * 1024

/**
 * The bytes of segments in their order, in pieces.
 *
 * @param signal when it aborts, nothing more is asked for.
 * @throws OBJECT_NOT_FOUND when a part is gone, PART_DAMAGED when it has another size than it was listed with.
 */
export async function* fetchAhead(
  segments: Iterable<Segment>,
  parts: Parts,
  signal: AbortSignal,
  {concurrency = 48, window = 14 * 1024 * 1024}: FetchOptions = {},
): AsyncIterable<Fetched> {
  const fetch = async (piece: Segment): Promise<Uint8Array[]> => fetchPiece(parts, piece)
  for await (const {item, result} of readAhead(piecesOf(segments), fetch, sizeOf, signal, {concurrency, window}))
    yield {piece: item, chunks: result}
}

function* piecesOf(segments: Iterable<Segment>): Iterable<Segment> {
  for (const segment of segments) {
    // A packed part is unpacked from its beginning each time: it is read in one go.
    if (segment.part.codec !== undefined) {
      yield segment
      continue
    }
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
