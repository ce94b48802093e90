import {bucketOf, headerOf, quoted, xmlAnswer, type Answer, type Call} from './call.js'
import {
  announcedChecksum,
  checksumElement,
  digestOf,
  joinChecksums,
  type PartDigest,
  type StoredChecksum,
} from './checksums.js'
import {checkWriteConditions} from './conditions.js'
import {checkConsecutive} from './directory-bucket.js'
import {invalidRequest, S3Error} from './errors.js'
import type {MultipartUpload, UploadedPart} from './multipart-state.js'
import {uploadOf} from './multipart.js'
import {encryptionHeaders, etagOf} from './object-headers.js'
import {wholeSeconds, type StoredObject} from './store.js'
import {elements, elementText, xmlDocument} from './xml.js'

/** The upload is gone afterwards: sending the same request again gives NoSuchUpload. */
export function completeMultipartUpload(call: Call): Answer {
  const upload = uploadOf(call)
  const bucket = bucketOf(call)
  const parts = chosenParts(call.body.text(), upload, call.settings.minPart)
  checkConsecutive(
    call,
    upload,
    parts.map(({number}) => number),
  )
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  const expectedSize = headerOf(call, 'x-amz-mp-object-size')
  if (expectedSize !== undefined && Number(expectedSize) !== size) {
    throw invalidRequest('The provided x-amz-mp-object-size header does not match what was computed.')
  }
  const checksum = joinedChecksum(call, upload, parts)
  if (call.checksConditions) checkWriteConditions(call.headers, call.key, bucket.get(call.key))
  const md5 = digestOf(
    'MD5',
    parts.map((part) => Buffer.from(part.etag, 'hex')),
  )
  const object: StoredObject = {
    key: call.key,
    chunks: parts.flatMap((part) => part.chunks),
    size,
    etag: `${etagOf(call, upload.headers, md5)}-${parts.length}`,
    modified: wholeSeconds(call.clock.now()),
    metadata: upload.metadata,
    headers: upload.headers,
    ...(checksum ? {checksum} : {}),
  }
  bucket.put(object)
  bucket.uploads.delete(upload.id)
  return xmlAnswer(
    xmlDocument('CompleteMultipartUploadResult', {
      Location: `http://${call.host}/${call.bucketName}/${call.key}`,
      Bucket: call.bucketName,
      Key: call.key,
      ETag: quoted(object.etag),
      ...(checksum ? {[checksumElement(checksum.algorithm)]: checksum.value, ChecksumType: checksum.type} : {}),
    }),
    encryptionHeaders(upload.headers),
  )
}

function chosenParts(document: string, upload: MultipartUpload, minPart: number): UploadedPart[] {
  const named = elements(document, 'Part')
  if (named.length === 0) {
    throw new S3Error(
      400,
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    )
  }
  const parts = named.map((part) => {
    const number = Number(elementText(part, 'PartNumber'))
    const stored = upload.parts.get(number)
    const etag = elementText(part, 'ETag')?.replaceAll('"', '')
    if (!stored || stored.etag !== etag) throw invalidPart()
    checkPartChecksum(part, stored, upload)
    return stored
  })
  if (parts.some((part, index) => index > 0 && part.number <= parts[index - 1]!.number)) {
    throw new S3Error(
      400,
      'InvalidPartOrder',
      'The list of parts was not in ascending order. Parts must be ordered by part number.',
    )
  }
  const small = parts.slice(0, -1).find((part) => part.size < minPart)
  if (small) {
    throw new S3Error(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      elements: {
        ProposedSize: String(small.size),
        MinSizeAllowed: String(minPart),
        PartNumber: String(small.number),
        ETag: small.etag,
      },
    })
  }
  return parts
}

function checkPartChecksum(part: string, stored: UploadedPart, {checksum}: MultipartUpload): void {
  if (!checksum) return
  const given = elementText(part, checksumElement(checksum.algorithm))
  if (given === undefined && checksum.type === 'COMPOSITE') {
    throw invalidRequest(
      `The upload was created using a ${checksum.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${stored.number} in the request.`,
    )
  }
  if (given !== undefined && given !== stored.digest?.toString('base64')) throw invalidPart()
}

function joinedChecksum(
  call: Call,
  {checksum}: MultipartUpload,
  parts: readonly UploadedPart[],
): StoredChecksum | undefined {
  if (!checksum) return undefined
  const digests = parts.map((part): PartDigest => ({digest: part.digest!, size: part.size}))
  const joined = joinChecksums(checksum.algorithm, checksum.type, digests)
  const announced = checksum.type === 'FULL_OBJECT' ? announcedChecksum(call.headers) : undefined
  if (announced && (announced.algorithm !== checksum.algorithm || announced.value !== joined.value)) {
    throw new S3Error(
      400,
      'BadDigest',
      `The ${announced.algorithm} you specified did not match the calculated checksum.`,
    )
  }
  return joined
}

const invalidPart = (): S3Error =>
  new S3Error(
    400,
    'InvalidPart',
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  )
