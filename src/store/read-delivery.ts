import {createHash, type Hash} from 'node:crypto'
import {damagedPart} from './chain.js'
import {fetchAhead, type FetchOptions} from './fetch-ahead.js'
import {isRanged} from './part.js'
import type {Parts} from './parts.js'
import type {TranscriptView} from './view.js'

export interface ReadOptions extends FetchOptions {
  /** Given at the end, when all was verified: the hash of the path's bytes, to go on from. */
  readonly onVerified?: (hash: Hash) => void
}

/**
 * What readers are given, in order, fetched ahead in parallel with bounded memory. The path's bytes are verified against the digests
 * of its parts as they pass.
 *
 * @throws PART_DAMAGED; OBJECT_NOT_FOUND when a part was moved meanwhile: view again.
 */
export async function* readDelivery(
  {delivery, resolution}: TranscriptView,
  parts: Parts,
  {onVerified, ...options}: ReadOptions = {},
): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256')
  const abort = new AbortController()
  const fetched = fetchAhead(delivery.segments, parts, abort.signal, options)
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
