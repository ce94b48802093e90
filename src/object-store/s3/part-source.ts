import {crc32} from 'node:zlib'
import {storeError} from '../errors.js'
import {bodySize, type ObjectBody, openBody} from '../object-store.js'

export interface Part {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array
}

/**
 * Cuts a body into parts of one size. Several lanes may ask at once; each lends a buffer that the part is gathered in, and
 * gets it back with the part, so that memory stays at lanes × part size. Bytes in memory are never copied.
 */
export class PartSource {
  readonly #body: ObjectBody
  readonly #partSize: number
  readonly #key: string
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #taken = 0
  #number = 0
  #crc = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(key: string, body: ObjectBody, partSize: number) {
    this.#key = key
    this.#body = body
    this.#partSize = partSize
    this.#chunks = openBody(body)[Symbol.asyncIterator]()
  }

  /** CRC-32 of all parts so far, in their order. */
  get crc(): number {
    return this.#crc
  }

  /**
   * @returns undefined after the last part
   * @throws CHECKSUM_MISMATCH when the body gives more or fewer bytes than it said; what the body throws
   */
  async next(buffer: Uint8Array): Promise<Part | undefined> {
    const part = this.#turn.then(() => this.#cut(buffer))
    this.#turn = part.catch(() => undefined)
    return part
  }

  /** Closes the body when it is not read to its end. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #cut(buffer: Uint8Array): Promise<Part | undefined> {
    const size = bodySize(this.#body)
    const bytes = this.#body instanceof Uint8Array ? this.#view(this.#body) : await this.#gather(buffer)
    this.#taken += bytes.byteLength
    const isLast = bytes.byteLength < this.#partSize || this.#taken > size
    if (isLast && this.#taken !== size) {
      throw storeError('CHECKSUM_MISMATCH', `The body for '${this.#key}' gave ${this.#taken} bytes, not ${size}.`)
    }
    if (bytes.byteLength === 0) return undefined
    this.#crc = crc32(bytes, this.#crc)
    return {number: ++this.#number, bytes}
  }

  #view(bytes: Uint8Array): Uint8Array {
    return bytes.subarray(this.#taken, this.#taken + this.#partSize)
  }

  async #gather(buffer: Uint8Array): Promise<Uint8Array> {
    let filled = 0
    while (filled < buffer.byteLength) {
      if (this.#rest.byteLength === 0) {
        const {done, value} = await this.#chunks.next()
        if (done === true) break
        this.#rest = value
      }
      const piece = this.#rest.subarray(0, buffer.byteLength - filled)
      buffer.set(piece, filled)
      filled += piece.byteLength
      this.#rest = this.#rest.subarray(piece.byteLength)
    }
    return buffer.subarray(0, filled)
  }
}
