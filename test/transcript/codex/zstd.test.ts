import {randomBytes} from 'node:crypto'
import * as zlib from 'node:zlib'
import {describe, expect, test} from 'vitest'
import {decompressZstd} from '../../../src/transcript/codex/zstd.js'
import {zstdOf, zstdOfZeros} from '../../support/zstd.js'

/** Node 22.15 and later. */
const compress = (zlib as {readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer}).zstdCompressSync
/** `hello, rollout\n`, by the zstd program. */
const HELLO = Buffer.from('KLUv/QBYeQAAaGVsbG8sIHJvbGxvdXQK', 'base64')

async function* inPieces(bytes: Uint8Array, size = 7): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(frames: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of decompressZstd(frames, 'x.jsonl.zst')) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* broken(): AsyncIterable<Uint8Array> {
  yield HELLO.subarray(0, 8)
  throw new TypeError('the line is dead')
}

describe('zstandard', () => {
  test('is read as it comes, whatever the pieces', async () => {
    expect((await read(inPieces(HELLO))).toString()).toBe('hello, rollout\n')
    const large = Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000, 'one line\n')])
    expect((await read(inPieces(zstdOf(large), 10_000))).equals(large)).toBe(true)
    const compressed = compress?.(large) ?? zstdOf(large)
    expect((await read(inPieces(compressed, 10_000))).equals(large)).toBe(true)
    // Frames follow one another where something was appended.
    expect((await read(inPieces(Buffer.concat([HELLO, HELLO])))).toString()).toBe('hello, rollout\n'.repeat(2))
  })

  test.each([
    ['what is none', Buffer.from('not compressed at all\n')],
    ['what ends early', HELLO.subarray(0, 12)],
    ['what holds more than a rollout can', zstdOfZeros(256 * 1024 * 1024)],
  ])('%s is told', async (_name, bytes) => {
    await expect(read(inPieces(bytes, 4096))).rejects.toMatchObject({code: 'ROLLOUT_DAMAGED', kind: 'bad-data'})
  })

  test('what the source throws is thrown as it is', async () => {
    await expect(read(broken())).rejects.toThrow('the line is dead')
  })
})
