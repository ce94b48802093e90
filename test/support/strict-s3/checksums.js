import {createHash} from 'node:crypto'
import {combineCrc, CRC_PARAMETERS, createCrc32, createCrc32c, createCrc64Nvme} from './crc.js'
import {invalidRequest} from './errors.js'
export const CHECKSUM_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256']
const DIGEST_LENGTH = {CRC32: 4, CRC32C: 4, CRC64NVME: 8, SHA1: 20, SHA256: 32}
export function createDigest(algorithm) {
  switch (algorithm) {
    case 'CRC32':
      return createCrc32()
    case 'CRC32C':
      return createCrc32c()
    case 'CRC64NVME':
      return createCrc64Nvme()
    case 'SHA1':
    case 'SHA256':
    case 'MD5': {
      const hash = createHash(algorithm.toLowerCase())
      return {update: (chunk) => void hash.update(chunk), digest: () => hash.digest()}
    }
  }
}
export function digestOf(algorithm, chunks) {
  const digest = createDigest(algorithm)
  for (const chunk of chunks) digest.update(chunk)
  return digest.digest()
}
export const checksumHeader = (algorithm) => `x-amz-checksum-${algorithm.toLowerCase()}`
/** The element that carries a checksum in XML: `ChecksumCRC32`, `ChecksumSHA256`, … */
export const checksumElement = (algorithm) => `Checksum${algorithm}`
export function parseAlgorithm(name, source) {
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase())
  if (!found) throw invalidRequest(`Checksum algorithm provided is unsupported in ${source}. Please try again.`)
  return found
}
/** The one checksum that the request's headers or its declared trailer announce. */
export function announcedChecksum(headers) {
  const given = CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = headers[checksumHeader(algorithm)]
    return typeof value === 'string' ? [{algorithm, value}] : []
  })
  if (given.length > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
  }
  if (given[0]) {
    assertWellFormed(given[0].algorithm, given[0].value)
    return given[0]
  }
  const trailer = headers['x-amz-trailer']
  if (typeof trailer === 'string') {
    return {algorithm: parseAlgorithm(trailer.toLowerCase().replace('x-amz-checksum-', ''), 'x-amz-trailer')}
  }
  if (headers['x-amz-sdk-checksum-algorithm'] !== undefined) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    )
  }
  return undefined
}
export function assertWellFormed(algorithm, value) {
  const bytes = Buffer.from(value, 'base64')
  if (bytes.length !== DIGEST_LENGTH[algorithm] || bytes.toString('base64') !== value) {
    throw invalidRequest(`Value for ${checksumHeader(algorithm)} header is invalid.`)
  }
}
/** The checksum of an object that is put together from parts. */
export function joinChecksums(algorithm, type, parts) {
  if (type === 'COMPOSITE') {
    const digest = digestOf(algorithm, [Buffer.concat(parts.map((part) => part.digest))])
    return {algorithm, type, value: `${digest.toString('base64')}-${parts.length}`}
  }
  if (algorithm === 'SHA1' || algorithm === 'SHA256') {
    throw invalidRequest(
      `The FULL_OBJECT checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  }
  const {bits, polynomial} = CRC_PARAMETERS[algorithm]
  const whole = parts.reduce((left, right) => ({
    digest: combineCrc(bits, polynomial, left.digest, right.digest, right.size),
    size: left.size + right.size,
  }))
  return {algorithm, type, value: whole.digest.toString('base64')}
}
