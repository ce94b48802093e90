import type {TranscriptBytes} from '../../../src/store/bytes.js'
import {decode, type LineText} from './lines.js'

export async function all<T>(each: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const one of each) found.push(one)
  return found
}

/** Chunks as one. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(chunks))
}

export async function linesOf(bytes: TranscriptBytes): Promise<LineText[]> {
  return decode(await collect(bytes.read(0, bytes.length)))
}

/** A transcript in memory, as the core reads one. */
export function transcriptOf(bytes: Uint8Array): TranscriptBytes {
  return {
    length: bytes.length,
    async *read(start, end) {
      yield bytes.subarray(start, end)
    },
  }
}
