import {createHash} from 'node:crypto'
import {AwsChunkedDecoder} from './aws-chunked.js'
import {announcedChecksum, assertWellFormed, checksumHeader, createDigest} from './checksums.js'
import {S3Error} from './errors.js'
const MAX_BODY = 5 * 1024 ** 3
/** The client went away before its request was whole: there is nobody to answer. */
export class ClientGone extends Error {}
const badDigest = (what) =>
  new S3Error(400, 'BadDigest', `The ${what} you specified did not match the calculated checksum.`)
/** Reads what is left of a request and drops it, so that a client in the middle of its body can read the answer. */
export async function drain(request) {
  try {
    for await (const _ of request.resume());
  } catch {
    throw new ClientGone()
  }
}
/**
 * Reads and verifies a body: payload SHA-256, Content-MD5, x-amz-checksum-* as header or trailer, chunk signatures, lengths.
 * On an error the rest is drained before it is thrown.
 */
export async function receiveBody(request, identity, expectations) {
  const {headers} = request
  const reader = new BodyReader(request, identity)
  let failure
  try {
    reader.checkLengths(expectations.requireContentLength)
    if (expectations.checksumIsOfBody) reader.announce()
  } catch (error) {
    failure = error
  }
  try {
    for await (const chunk of request) {
      if (failure) continue
      try {
        reader.write(chunk)
      } catch (error) {
        failure = error
      }
    }
  } catch {
    throw new ClientGone()
  }
  if (failure) throw failure
  return reader.finish(headers['content-md5'])
}
class BodyReader {
  #request
  #payload
  #chunks = []
  #md5 = createHash('md5')
  #sha256
  #decoder
  #size = 0
  #announced
  #digest
  constructor(request, identity) {
    this.#request = request
    this.#payload = identity.payload
    if (this.#payload.startsWith('STREAMING-')) {
      const signed = this.#payload.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
      this.#decoder = new AwsChunkedDecoder((data) => this.#take(data), signed ? identity.chunkSigner : undefined)
    } else if (this.#payload !== 'UNSIGNED-PAYLOAD') this.#sha256 = createHash('sha256')
  }
  checkLengths(requireContentLength) {
    const {headers} = this.#request
    const hasBody = headers['transfer-encoding'] !== undefined
    const decoded = headers['x-amz-decoded-content-length']
    if (hasBody && (requireContentLength || decoded === undefined)) {
      throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
    }
    if (headers['content-length'] === undefined && !hasBody && ['PUT', 'POST'].includes(this.#request.method ?? '')) {
      throw new S3Error(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.')
    }
    if (this.#decoder && decoded === undefined) {
      throw new S3Error(411, 'MissingContentLength', 'You must provide the x-amz-decoded-content-length HTTP header.')
    }
    if (Number(decoded ?? headers['content-length'] ?? 0) > MAX_BODY) {
      throw new S3Error(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
    }
  }
  announce() {
    this.#announced = announcedChecksum(this.#request.headers)
    this.#digest = this.#announced && createDigest(this.#announced.algorithm)
  }
  write(chunk) {
    if (this.#decoder) this.#decoder.write(chunk)
    else this.#take(chunk)
  }
  finish(contentMd5) {
    this.#decoder?.end()
    const decoded = this.#request.headers['x-amz-decoded-content-length']
    if (decoded !== undefined && Number(decoded) !== this.#size) {
      throw new S3Error(
        400,
        'IncompleteBody',
        'You did not provide the number of bytes specified by the Content-Length HTTP header',
      )
    }
    this.#verifyPayload()
    const md5 = this.#md5.digest()
    if (contentMd5 !== undefined) {
      const given = Buffer.from(contentMd5, 'base64')
      if (given.length !== 16) throw new S3Error(400, 'InvalidDigest', 'The Content-MD5 you specified was invalid.')
      if (!given.equals(md5)) throw badDigest('Content-MD5')
    }
    const checksum = this.#verifyChecksum()
    const chunks = this.#chunks
    return {
      chunks,
      size: this.#size,
      md5,
      ...(checksum ? {checksum} : {}),
      text: () => Buffer.concat(chunks).toString('utf8'),
    }
  }
  #take(data) {
    this.#chunks.push(data)
    this.#size += data.length
    this.#md5.update(data)
    this.#sha256?.update(data)
    this.#digest?.update(data)
  }
  #verifyPayload() {
    const computed = this.#sha256?.digest('hex')
    if (computed !== undefined && computed !== this.#payload) {
      throw new S3Error(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
        {
          elements: {ClientComputedContentSHA256: this.#payload, S3ComputedContentSHA256: computed},
        },
      )
    }
    if (
      this.#payload === 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER' &&
      !this.#decoder?.trailers['x-amz-trailer-signature']
    ) {
      throw new S3Error(403, 'SignatureDoesNotMatch', 'The trailer is not signed.')
    }
  }
  #verifyChecksum() {
    if (!this.#announced || !this.#digest) return undefined
    const {algorithm} = this.#announced
    const name = checksumHeader(algorithm)
    const value = this.#announced.value ?? this.#decoder?.trailers[name]
    if (value === undefined) {
      throw new S3Error(400, 'MalformedTrailerError', 'The request contained trailing data that was not well-formed')
    }
    assertWellFormed(algorithm, value)
    const digest = this.#digest.digest()
    if (digest.toString('base64') !== value) throw badDigest(algorithm)
    return {algorithm, digest}
  }
}
