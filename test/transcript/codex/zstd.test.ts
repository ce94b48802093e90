import * as zlib from 'node:zlib'
import {describe, expect, test} from 'vitest'
import type {RepriseError} from '../../../src/base/errors.js'
import {decompressZstd, readsZstd} from '../../../src/transcript/codex/zstd.js'

const compress = (zlib as {readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer}).zstdCompressSync
/** `hello, rollout\n`, by the zstd program. */
const HELLO = Buffer.from('KLUv/QBYeQAAaGVsbG8sIHJvbGxvdXQK', 'base64')

async function* inPieces(bytes: Uint8Array, size = 7): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function textOf(frames: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of decompressZstd(frames, 'x.jsonl.zst')) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function* broken(): AsyncIterable<Uint8Array> {
  yield HELLO.subarray(0, 8)
  throw new TypeError('the line is dead')
}

describe('zstandard', () => {
  test('is read by Node where Node can, and refused with the way out where it cannot', async () => {
    expect(readsZstd).toBe(compress !== undefined)
    const read = await textOf(inPieces(HELLO)).catch((error: unknown) => (error as RepriseError).code)
    expect(read).toBe(readsZstd ? 'hello, rollout\n' : 'ZSTD_UNSUPPORTED')
  })

  test('what is none, ends early or holds more than a rollout can is told', async () => {
    const wrong: Uint8Array[] = [Buffer.from('not compressed at all\n'), HELLO.subarray(0, 12)]
    // 64 MiB of nothing in a few KB.
    if (compress) wrong.push(compress(Buffer.alloc(64 * 1024 * 1024)))
    const code = readsZstd ? 'ROLLOUT_DAMAGED' : 'ZSTD_UNSUPPORTED'
    for (const bytes of wrong) await expect(textOf(inPieces(bytes, 4096))).rejects.toMatchObject({code})
  })

  test('what the source throws is thrown as it is', async () => {
    await expect(textOf(broken())).rejects.toThrow(readsZstd ? 'the line is dead' : 'zstandard')
  })
})
