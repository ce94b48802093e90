import {randomUUID} from 'node:crypto'
import {bucketOf, headerOf, quoted, xmlAnswer, type Answer, type Call} from './call.js'
import {checksumHeader, digestOf, parseAlgorithm, type ChecksumAlgorithm, type ChecksumType} from './checksums.js'
import {invalidArgument, invalidRequest, noSuchUpload} from './errors.js'
import type {MultipartUpload, UploadedPart} from './multipart-state.js'
import {checkKey, encryptionHeaders, etagOf, readMetadata, readObjectHeaders} from './object-headers.js'
import {wholeSeconds} from './store.js'
import {xmlDocument} from './xml.js'

const MAX_PART_NUMBER = 10_000

export function createMultipartUpload(call: Call): Answer {
  const bucket = bucketOf(call)
  checkKey(call.key)
  const checksum = uploadChecksum(call)
  const upload: MultipartUpload = {
    id: randomUUID().replaceAll('-', ''),
    key: call.key,
    initiated: call.clock.now(),
    metadata: readMetadata(call.headers),
    headers: readObjectHeaders(call),
    ...(checksum ? {checksum} : {}),
    parts: new Map(),
  }
  bucket.uploads.set(upload.id, upload)
  return xmlAnswer(
    xmlDocument('InitiateMultipartUploadResult', {Bucket: call.bucketName, Key: call.key, UploadId: upload.id}),
    {
      ...encryptionHeaders(upload.headers),
      ...(checksum ? {'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type} : {}),
    },
  )
}

const nameOf = (algorithm: ChecksumAlgorithm | undefined): string => algorithm?.toLowerCase() ?? 'null'

export function uploadPart(call: Call): Answer {
  const upload = uploadOf(call)
  const expected = upload.checksum?.algorithm
  const given = call.body.checksum?.algorithm
  // A checksum of the whole asks nothing of the parts; one made of theirs, and an upload that announced none, are strict.
  const optional = upload.checksum?.type === 'FULL_OBJECT' && given === undefined
  if (given !== expected && !optional) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${nameOf(expected)}, actual checksum Type: ${nameOf(given)}`,
    )
  }
  const part = storePart(call, upload, call.body.chunks, call.body)
  return {
    status: 200,
    headers: {
      etag: quoted(part.etag),
      ...(expected && part.digest ? {[checksumHeader(expected)]: part.digest.toString('base64')} : {}),
    },
  }
}

export function abortMultipartUpload(call: Call): Answer {
  bucketOf(call).uploads.delete(uploadOf(call).id)
  return {status: 204}
}

/** @throws NoSuchUpload, NoSuchBucket */
export function uploadOf(call: Call): MultipartUpload {
  const id = call.query.get('uploadId') ?? ''
  const upload = bucketOf(call).uploads.get(id)
  if (!upload || upload.key !== call.key) throw noSuchUpload(id)
  return upload
}

/** A part that is sent again takes the place of the one before. */
export function storePart(
  call: Call,
  upload: MultipartUpload,
  chunks: readonly Buffer[],
  known?: {readonly md5: Buffer; readonly checksum?: {readonly digest: Buffer}},
): UploadedPart {
  const text = call.query.get('partNumber') ?? ''
  const number = Number(text)
  if (!Number.isInteger(number) || number < 1 || number > MAX_PART_NUMBER) {
    throw invalidArgument(
      'partNumber',
      text,
      `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`,
    )
  }
  const algorithm = upload.checksum?.algorithm
  const digest = known?.checksum?.digest ?? (algorithm && digestOf(algorithm, chunks))
  const part: UploadedPart = {
    number,
    chunks,
    size: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    etag: etagOf(call, upload.headers, known?.md5 ?? digestOf('MD5', chunks)),
    modified: wholeSeconds(call.clock.now()),
    ...(digest ? {digest} : {}),
  }
  upload.parts.set(number, part)
  return part
}

function uploadChecksum(call: Call): {algorithm: ChecksumAlgorithm; type: ChecksumType} | undefined {
  const name = headerOf(call, 'x-amz-checksum-algorithm')
  const type = headerOf(call, 'x-amz-checksum-type')?.toUpperCase()
  if (name === undefined) {
    if (type !== undefined)
      throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.')
    return undefined
  }
  const algorithm = parseAlgorithm(name, 'x-amz-checksum-algorithm')
  const isSha = algorithm.startsWith('SHA')
  const chosen = type ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE')
  if (chosen !== 'FULL_OBJECT' && chosen !== 'COMPOSITE')
    throw invalidRequest('Value for x-amz-checksum-type header is invalid.')
  if ((chosen === 'FULL_OBJECT' && isSha) || (chosen === 'COMPOSITE' && algorithm === 'CRC64NVME')) {
    throw invalidRequest(
      `The ${chosen} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  }
  return {algorithm, type: chosen}
}
