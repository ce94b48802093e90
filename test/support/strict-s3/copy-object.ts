import {bucketOf, headerOf, quoted, xmlAnswer, type Answer, type Call} from './call.js'
import {checksumElement, digestOf, parseAlgorithm, type StoredChecksum} from './checksums.js'
import {checkReadConditions, checkWriteConditions} from './conditions.js'
import {accessDenied, invalidArgument, invalidRequest, noSuchKey, preconditionFailed} from './errors.js'
import {storePart, uploadOf} from './multipart.js'
import {checkKey, encryptionHeaders, etagOf, readMetadata, readObjectHeaders} from './object-headers.js'
import {checkReadable, sliceChunks} from './read-object.js'
import {wholeSeconds, type StoredObject} from './store.js'
import {parseTarget} from './uri.js'
import {xmlDocument} from './xml.js'

export function copyObject(call: Call): Answer {
  const bucket = bucketOf(call)
  checkKey(call.key)
  const source = findSource(call)
  const directive = headerOf(call, 'x-amz-metadata-directive')?.toUpperCase() ?? 'COPY'
  if (directive !== 'COPY' && directive !== 'REPLACE') {
    throw invalidArgument('x-amz-metadata-directive', directive, 'Unknown metadata directive.')
  }
  const replaces = directive === 'REPLACE'
  if (!replaces && source === bucket.get(call.key)) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    )
  }
  const given = readObjectHeaders(call)
  const headers = replaces ? given : {...withoutClass(source.headers), ...withoutType(given)}
  const metadata = replaces ? readMetadata(call.headers) : source.metadata
  if (call.checksConditions) checkWriteConditions(call.headers, call.key, bucket.get(call.key))
  const checksum = copiedChecksum(call, source)
  const object: StoredObject = {
    key: call.key,
    chunks: source.chunks,
    size: source.size,
    etag: etagOf(call, headers, digestOf('MD5', source.chunks)),
    modified: wholeSeconds(call.clock.now()),
    metadata,
    headers,
    checksum,
  }
  bucket.put(object)
  return xmlAnswer(
    xmlDocument('CopyObjectResult', {
      ETag: quoted(object.etag),
      LastModified: new Date(object.modified).toISOString(),
      [checksumElement(checksum.algorithm)]: checksum.value,
      ChecksumType: checksum.type,
    }),
    encryptionHeaders(headers),
  )
}

export function uploadPartCopy(call: Call): Answer {
  const upload = uploadOf(call)
  if (call.settings.partCopies === 'none') {
    return {status: 200, headers: {etag: quoted(storePart(call, upload, []).etag)}}
  }
  const source = findSource(call)
  const part = storePart(call, upload, copiedRange(call, source))
  const {checksum} = upload
  return xmlAnswer(
    xmlDocument('CopyPartResult', {
      ETag: quoted(part.etag),
      LastModified: new Date(part.modified).toISOString(),
      ...(checksum && part.digest ? {[checksumElement(checksum.algorithm)]: part.digest.toString('base64')} : {}),
    }),
    encryptionHeaders(upload.headers),
  )
}

/** @throws NoSuchKey, NoSuchBucket, PreconditionFailed, AccessDenied, InvalidObjectState */
function findSource(call: Call): StoredObject {
  const {path, query} = parseTarget(headerOf(call, 'x-amz-copy-source') ?? '')
  const match = /^\/?([^/]+)\/(.+)$/s.exec(path)
  if (!match?.[1] || !match[2] || query.some(([name]) => name !== 'versionId')) {
    throw invalidArgument(
      'x-amz-copy-source',
      path,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    )
  }
  if (call.faults.isDenied('GetObject', match[2], call.accessKeyId)) throw accessDenied()
  const source = call.store.bucket(match[1]).get(match[2])
  if (!source) throw noSuchKey(match[2])
  checkReadable(source)
  if (call.settings.partCopies === 'unconditional' && call.operation === 'UploadPartCopy') return source
  if (checkReadConditions(call.headers, source, 'x-amz-copy-source-')) {
    throw preconditionFailed('x-amz-copy-source-If-None-Match')
  }
  return source
}

function copiedRange(call: Call, source: StoredObject): readonly Buffer[] {
  const {minPart, partCopies} = call.settings
  const header = headerOf(call, 'x-amz-copy-source-range')
  if (header === undefined || partCopies === 'whole') return source.chunks
  const match = /^bytes=(\d+)-(\d+)$/.exec(header)
  const [start, last] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || start > last) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      header,
      'The x-amz-copy-source-range value must be of the form bytes=first-last',
    )
  }
  if (partCopies === 'unconditional') return sliceChunks(source.chunks, {start, end: Math.min(source.size, last + 1)})
  // Unlike a GET's, this range may not go past the end.
  if (last >= source.size) {
    throw invalidArgument(
      'x-amz-copy-source-range',
      header,
      `Range specified is not valid for source object of size: ${source.size}`,
    )
  }
  if (source.size <= minPart) {
    throw invalidRequest('The specified copy source is not supported as a byte-range copy source')
  }
  return sliceChunks(source.chunks, {start, end: last + 1})
}

function copiedChecksum(call: Call, source: StoredObject): StoredChecksum {
  const wanted = headerOf(call, 'x-amz-checksum-algorithm')
  const algorithm =
    wanted === undefined ? (source.checksum?.algorithm ?? 'CRC32') : parseAlgorithm(wanted, 'x-amz-checksum-algorithm')
  if (source.checksum?.type === 'FULL_OBJECT' && source.checksum.algorithm === algorithm) return source.checksum
  return {algorithm, type: 'FULL_OBJECT', value: digestOf(algorithm, source.chunks).toString('base64')}
}

/** Storage class and encryption are the request's to say, they do not travel with a copy. */
const withoutClass = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-')))

const withoutType = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-')))
