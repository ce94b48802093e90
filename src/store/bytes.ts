import {createHash} from 'node:crypto'
import type {PartSource} from './chain.js'
import type {Delivery} from './deliver.js'

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
}

/** Digests and line counts at several offsets, in one pass. `offsets` may be in any order; none lies beyond the end. */
export async function measure(bytes: TranscriptBytes, offsets: Iterable<number>): Promise<Map<number, Measure>> {
  const points = [...new Set(offsets)].toSorted((a, b) => a - b)
  const found = new Map<number, Measure>()
  const hash = createHash('sha256')
  let entries = 0
  let at = 0
  const note = (): void => {
    found.set(at, {digest: hash.copy().digest('hex'), entries})
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
