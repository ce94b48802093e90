import {createHash, type Hash} from 'node:crypto'
import type {FileHandle} from 'node:fs/promises'
import {storeError} from '../errors.js'
import {diskError} from './disk-errors.js'

const CHUNK = 256 * 1024

interface FileBodyOptions {
  readonly key: string
  readonly start: number
  readonly end: number
  /** Hex SHA-256 to verify, for a whole object. */
  readonly digest?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Streams an open file and closes it at the end, on failure, and when the reader leaves, also before its first chunk. */
export class FileBody implements AsyncIterableIterator<Uint8Array> {
  readonly #handle: FileHandle
  readonly #options: FileBodyOptions
  readonly #hash: Hash | undefined
  #position: number
  #closed = false

  constructor(handle: FileHandle, options: FileBodyOptions) {
    this.#handle = handle
    this.#options = options
    this.#position = options.start
    this.#hash = options.digest === undefined ? undefined : createHash('sha256')
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#closed) return {done: true, value: undefined}
    try {
      this.#options.signal?.throwIfAborted()
      const chunk = await this.#read()
      if (chunk !== undefined) return {done: false, value: chunk}
      this.#verify()
      return await this.return()
    } catch (error) {
      await this.return()
      throw diskError(error, `reading '${this.#options.key}'`)
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#closed) {
      this.#closed = true
      await this.#handle.close()
    }
    return {done: true, value: undefined}
  }

  async #read(): Promise<Uint8Array | undefined> {
    const wanted = Math.min(CHUNK, this.#options.end - this.#position)
    if (wanted <= 0) return undefined
    const {buffer, bytesRead} = await this.#handle.read(Buffer.allocUnsafe(wanted), 0, wanted, this.#position)
    if (bytesRead === 0) {
      throw storeError('STORE_UNREACHABLE', `The file of '${this.#options.key}' ended early, at ${this.#position}.`)
    }
    const chunk = buffer.subarray(0, bytesRead)
    this.#position += bytesRead
    this.#hash?.update(chunk)
    return chunk
  }

  #verify(): void {
    if (this.#hash === undefined || this.#hash.digest('hex') === this.#options.digest) return
    throw storeError(
      'CHECKSUM_MISMATCH',
      `The file of '${this.#options.key}' no longer holds the bytes that were stored.`,
      {
        suggestions: ['The disk or another program changed it: restore it from a copy, or remove it and push again.'],
      },
    )
  }
}

export async function digestOf(handle: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.min(size, CHUNK))
  for (let position = 0; position < size;) {
    const {bytesRead} = await handle.read(buffer, 0, Math.min(CHUNK, size - position), position)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    position += bytesRead
  }
  return hash.digest('hex')
}
