import {createHash, type Hash} from 'node:crypto'
import {RepriseError} from '../base/errors.js'
import type {ObjectBody} from '../object-store/object-store.js'
import type {PartSource} from './chain.js'
import type {Delivery} from './interleave.js'

/** A transcript that can be read from any offset, more than once: a local file, or what readers of a store are given. */
export interface TranscriptBytes {
  /** Whole lines only. */
  readonly length: number
  read(start: number, end: number): AsyncIterable<Uint8Array>
}

export interface Measure {
  /** Hex SHA-256 of the transcript up to the offset. */
  readonly digest: string
  /** Lines that end at or before it. */
  readonly entries: number
  /** The hash at the offset, to go on from; copy it first. */
  readonly hash: Hash
}

/** Digests and line counts at several offsets, in one pass. `offsets` may be in any order; none lies beyond the end. */
export async function measure(bytes: TranscriptBytes, offsets: Iterable<number>): Promise<Map<number, Measure>> {
  const points = [...new Set(offsets)].toSorted((a, b) => a - b)
  const found = new Map<number, Measure>()
  const hash = createHash('sha256')
  let entries = 0
  let at = 0
  const note = (): void => {
    found.set(at, {digest: hash.copy().digest('hex'), entries, hash: hash.copy()})
    points.shift()
  }
  while (points[0] === 0) note()
  const last = points.at(-1) ?? 0
  for await (let chunk of bytes.read(0, last)) {
    for (let point = points[0]; point !== undefined && point <= at + chunk.length; point = points[0]) {
      const piece = chunk.subarray(0, point - at)
      hash.update(piece)
      entries += countNewlines(piece)
      chunk = chunk.subarray(point - at)
      at = point
      note()
    }
    hash.update(chunk)
    entries += countNewlines(chunk)
    at += chunk.length
  }
  return found
}

const IN_MEMORY = 1024 * 1024

/**
 * Bytes `[from, to)` as the body of a part that claims the digest `after`. They are read a second time when they are sent, and a file
 * may have been rewritten since it was measured: a body that is not what was measured is never sent to its end.
 *
 * @param at the hash of the transcript up to `from`.
 * @throws SOURCE_CHANGED, here or while the body is read: measure again.
 */
export async function verifiedBody(
  source: TranscriptBytes,
  from: number,
  to: number,
  at: Hash,
  after: string,
): Promise<ObjectBody> {
  const open = (): AsyncIterable<Uint8Array> => verified(source.read(from, to), at.copy(), after)
  if (to - from > IN_MEMORY) return {size: to - from, open}
  const chunks: Uint8Array[] = []
  for await (const chunk of open()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* verified(chunks: AsyncIterable<Uint8Array>, hash: Hash, after: string): AsyncIterable<Uint8Array> {
  let last: Uint8Array | undefined
  for await (const chunk of chunks) {
    if (last) yield last
    hash.update(chunk)
    last = chunk
  }
  if (hash.digest('hex') !== after) throw sourceChanged()
  if (last) yield last
}

/** A transcript is not any more what it was measured as. */
export function sourceChanged(): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SOURCE_CHANGED',
    message: 'a transcript changed between the look at it and its upload; nothing of that was stored',
    suggestions: ['Run the command again.'],
  })
}

export function countNewlines(bytes: Uint8Array): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}

/** What readers are given, as one byte sequence. */
export function deliveredBytes({segments, length}: Delivery, source: PartSource): TranscriptBytes {
  return {
    length,
    async *read(start, end) {
      let at = 0
      for (const {part, start: first, end: last, unterminated} of segments) {
        const size = last - first
        const [a, b] = [Math.max(start - at, 0), Math.min(end - at, size)]
        if (a < b) yield* source.read(part, first + a, first + b)
        at += size
        if (!unterminated) continue
        if (start <= at && at < end) yield Uint8Array.of(0x0a)
        at++
      }
    },
  }
}
