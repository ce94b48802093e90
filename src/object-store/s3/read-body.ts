import type {Readable} from 'node:stream'
import {storeError} from '../errors.js'

export interface ReadBodyOptions {
  /** Bytes that must come. */
  readonly size: number
  /** Bytes before those, from a server that ignored the range. */
  readonly skip: number
  /** For messages: `'key' in s3://bucket`. */
  readonly what: string
  readonly signal: AbortSignal | undefined
  readonly translate: (error: unknown) => unknown
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
  const {size, what, signal, translate} = options
  let {skip} = options
  let seen = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      const wanted = chunk.subarray(Math.min(skip, chunk.byteLength))
      skip -= chunk.byteLength - wanted.byteLength
      const bytes = wanted.subarray(0, size - seen)
      seen += bytes.byteLength
      if (bytes.byteLength > 0) yield bytes
    }
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : translate(error)
  }
  if (seen < size)
    throw storeError('STORE_UNREACHABLE', `The body of ${what} ended early, at ${seen} of ${size} bytes.`)
}
