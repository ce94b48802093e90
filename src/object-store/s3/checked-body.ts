import {crc32} from 'node:zlib'
import {storeError} from '../errors.js'
import {encodeCrc32} from './crc32.js'
import {bodySize, type ObjectBody} from '../object-store.js'

/**
 * A body, opened once, that holds to its size and adds up its CRC-32 on the way.
 *
 * @throws CHECKSUM_MISMATCH when it gives more or fewer bytes than it said, before whoever reads could take it for whole.
 */
export class CheckedBody implements AsyncIterable<Uint8Array> {
  readonly #key: string
  readonly #body: ObjectBody
  #crc = 0

  constructor(key: string, body: ObjectBody) {
    this.#key = key
    this.#body = body
  }

  /** Base64, of what was read so far. */
  get crc32(): string {
    return encodeCrc32(this.#crc)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    const size = bodySize(this.#body)
    let seen = 0
    for await (const chunk of this.#body instanceof Uint8Array ? [this.#body] : this.#body.open()) {
      seen += chunk.byteLength
      if (seen > size) break
      this.#crc = crc32(chunk, this.#crc)
      yield chunk
    }
    if (seen === size) return
    throw storeError('CHECKSUM_MISMATCH', `The body for '${this.#key}' gave ${seen} bytes, not ${size}.`)
  }
}
