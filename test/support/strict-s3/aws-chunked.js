import {createHash} from 'node:crypto'
import {S3Error} from './errors.js'
const MAX_LINE = 4096
const malformed = () => new S3Error(400, 'IncompleteBody', 'The request body terminated unexpectedly')
/**
 * Takes the `aws-chunked` framing off a body: `size[;chunk-signature=…]CRLF data CRLF` … `0 CRLF trailers CRLF`. Payload bytes
 * are handed on as slices of what came in, never copied.
 */
export class AwsChunkedDecoder {
  trailers = {}
  #state = 'size'
  #line = ''
  #left = 0
  #signature
  #hash = createHash('sha256')
  #onData
  #signer
  constructor(onData, signer) {
    this.#onData = onData
    this.#signer = signer
  }
  write(chunk) {
    let position = 0
    while (position < chunk.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const slice = chunk.subarray(position, position + this.#left)
        position += slice.length
        this.#left -= slice.length
        if (this.#signer) this.#hash.update(slice)
        this.#onData(slice)
        if (this.#left === 0) this.#state = 'after-data'
      } else {
        const end = chunk.indexOf(0x0a, position)
        this.#line += chunk.toString('latin1', position, end === -1 ? chunk.length : end + 1)
        position = end === -1 ? chunk.length : end + 1
        if (this.#line.length > MAX_LINE) throw malformed()
        if (end !== -1) {
          const line = this.#line.replace(/\r?\n$/, '')
          this.#line = ''
          this.#takeLine(line)
        }
      }
    }
  }
  end() {
    if (this.#state !== 'done') throw malformed()
  }
  #takeLine(line) {
    if (this.#state === 'size') this.#takeSize(line)
    else if (this.#state === 'after-data') {
      if (line !== '') throw malformed()
      this.#signer?.verifyChunk(this.#signature, this.#hash.digest('hex'))
      this.#hash = createHash('sha256')
      this.#state = 'size'
    } else this.#takeTrailer(line)
  }
  #takeSize(line) {
    const match = /^([0-9a-f]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(line)
    if (!match?.[1]) throw malformed()
    this.#left = Number.parseInt(match[1], 16)
    this.#signature = match[2]
    if (this.#left > 0) {
      this.#state = 'data'
      return
    }
    this.#signer?.verifyChunk(this.#signature, this.#hash.digest('hex'))
    this.#state = 'trailers'
  }
  #takeTrailer(line) {
    if (line === '') {
      this.#state = 'done'
      return
    }
    const colon = line.indexOf(':')
    if (colon < 1)
      throw new S3Error(400, 'MalformedTrailerError', 'The request contained trailing data that was not well-formed')
    const name = line.slice(0, colon).trim().toLowerCase()
    if (name === 'x-amz-trailer-signature') {
      const text = Object.entries(this.trailers)
        .map(([key, value]) => `${key}:${value}\n`)
        .join('')
      this.#signer?.verifyTrailer(line.slice(colon + 1).trim(), text)
      this.trailers[name] = line.slice(colon + 1).trim()
    } else this.trailers[name] = line.slice(colon + 1).trim()
  }
}
