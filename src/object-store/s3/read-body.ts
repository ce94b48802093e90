import {createHash} from 'node:crypto'
import type {Readable} from 'node:stream'
import {crc32} from 'node:zlib'
import type * as S3 from '@aws-sdk/client-s3'
import {storeError} from '../errors.js'
import {encodeCrc32} from './crc32.js'

export interface ReadBodyOptions {
  /** Bytes that must come. */
  readonly size: number
  /** Bytes before those, from a server that ignored the range. */
  readonly skip: number
  /** For messages: `'key' in s3://bucket`. */
  readonly what: string
  readonly signal: AbortSignal | undefined
  readonly expected: ExpectedChecksum | undefined
  readonly translate: (error: unknown) => unknown
}

/** What the store says of a whole object's bytes. */
export interface ExpectedChecksum {
  readonly algorithm: 'SHA256' | 'CRC32'
  /** Base64. */
  readonly value: string
}

/** The strongest that an answer names; none when it is one of checksums of parts. */
export function expectedChecksum({
  ChecksumSHA256,
  ChecksumCRC32,
  ChecksumType,
}: Pick<S3.GetObjectCommandOutput, 'ChecksumSHA256' | 'ChecksumCRC32' | 'ChecksumType'>): ExpectedChecksum | undefined {
  if (ChecksumType === 'COMPOSITE') return undefined
  const [algorithm, value] =
    ChecksumSHA256 === undefined ? (['CRC32', ChecksumCRC32] as const) : (['SHA256', ChecksumSHA256] as const)
  return value === undefined || value.includes('-') ? undefined : {algorithm, value}
}

/**
 * An answer's body. Ending the iteration early, also before its first step, closes the connection: the rest of a body may
 * be gigabytes.
 */
export function readBody(stream: Readable, options: ReadBodyOptions): AsyncIterable<Uint8Array> {
  // A connection that breaks while nobody reads must not end the process; whoever reads later still meets the error.
  stream.on('error', () => {})
  return {
    [Symbol.asyncIterator]() {
      const chunks = checked(stream, options)
      let begun = false
      return {
        next() {
          begun = true
          return chunks.next()
        },
        async return() {
          if (begun) await chunks.return()
          stream.destroy()
          return {done: true, value: undefined}
        },
      }
    },
  }
}

async function* checked(stream: Readable, options: ReadBodyOptions): AsyncGenerator<Uint8Array, void> {
  const {size, what, signal, expected, translate} = options
  const sum = expected && new Checksum(expected)
  let {skip} = options
  let seen = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      const wanted = chunk.subarray(Math.min(skip, chunk.byteLength))
      skip -= chunk.byteLength - wanted.byteLength
      const bytes = wanted.subarray(0, size - seen)
      seen += bytes.byteLength
      sum?.update(bytes)
      if (bytes.byteLength > 0) yield bytes
    }
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : translate(error)
  }
  if (seen < size)
    throw storeError('STORE_UNREACHABLE', `The body of ${what} ended early, at ${seen} of ${size} bytes.`)
  sum?.verify(translate)
}

class Checksum {
  readonly #expected: ExpectedChecksum
  readonly #sha256 = createHash('sha256')
  #crc = 0

  constructor(expected: ExpectedChecksum) {
    this.#expected = expected
  }

  update(bytes: Uint8Array): void {
    if (this.#expected.algorithm === 'SHA256') this.#sha256.update(bytes)
    else this.#crc = crc32(bytes, this.#crc)
  }

  verify(translate: (error: unknown) => unknown): void {
    const {algorithm, value} = this.#expected
    const found = algorithm === 'SHA256' ? this.#sha256.digest('base64') : encodeCrc32(this.#crc)
    if (found === value) return
    throw translate(new Error(`Checksum mismatch: expected "${value}" but received "${found}" by ${algorithm}.`))
  }
}
