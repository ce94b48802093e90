import {Readable, type Transform} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import * as zlib from 'node:zlib'
import {RepriseError} from '../../base/errors.js'

/** Rollouts shrink to a tenth or a thirtieth; frames that hold this much more than that are made to fill a disk. */
const MOST_EXPANSION = 1000
const ALWAYS_ALLOWED = 16 * 1024 * 1024

/** Since Node 22.15 and 23.8; what the types of Node 20 do not know. */
const {createZstdDecompress} = zlib as {readonly createZstdDecompress?: () => Transform}

/** Whether this Node reads zstandard. */
export const readsZstd = createZstdDecompress !== undefined

/**
 * What zstandard frames hold, as it comes.
 *
 * @param name for messages.
 * @throws ZSTD_UNSUPPORTED where this Node cannot; ROLLOUT_DAMAGED, also for frames that end early: what came until then was given.
 */
export async function* decompressZstd(frames: AsyncIterable<Uint8Array>, name: string): AsyncIterable<Uint8Array> {
  if (!createZstdDecompress) throw unsupported(name)
  let taken = 0
  let given = 0
  const counted = async function* (): AsyncIterable<Uint8Array> {
    for await (const chunk of frames) {
      taken += chunk.byteLength
      yield chunk
    }
  }
  const output = createZstdDecompress()
  // A failure of either end is told by the loop below, once.
  const flow = pipeline(Readable.from(counted(), {objectMode: false}), output).catch(() => undefined)
  try {
    for await (const chunk of output as AsyncIterable<Uint8Array>) {
      given += chunk.byteLength
      if (given > ALWAYS_ALLOWED + taken * MOST_EXPANSION) throw damaged(name, 'holds more than a rollout can')
      yield chunk
    }
  } catch (error) {
    throw isZstdError(error) ? damaged(name, 'is no whole zstandard file', error) : error
  } finally {
    output.destroy()
    await flow
  }
}

function isZstdError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /^(?:ZSTD_|Z_|ERR_ZLIB)/.test(code)
}

function unsupported(name: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'ZSTD_UNSUPPORTED',
    message: `${name} is compressed with zstandard, which Node.js ${process.versions.node} does not read`,
    suggestions: ['Run reprise with Node.js 22.15 or later.', `Decompress it where it lies: zstd -d`],
  })
}

function damaged(name: string, what: string, cause?: unknown): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'ROLLOUT_DAMAGED',
    message: `${name} ${what}`,
    suggestions: ['Copy it to the store again from the machine that has it.'],
    cause,
  })
}
