import {bucketOf, quoted, type Answer, type Call} from './call.js'
import {checkWriteConditions} from './conditions.js'
import {checkBatchKey} from './directory-bucket.js'
import {S3Error} from './errors.js'
import {
  checkKey,
  checksumHeaders,
  encryptionHeaders,
  etagOf,
  readMetadata,
  readObjectHeaders,
} from './object-headers.js'
import {wholeSeconds, type StoredObject} from './store.js'
import {digestOf} from './checksums.js'
import {elements, elementText, xmlDocument, type XmlElement} from './xml.js'

const MAX_DELETES = 1000

export function putObject(call: Call): Answer {
  const bucket = bucketOf(call)
  checkKey(call.key)
  const metadata = readMetadata(call.headers)
  const headers = readObjectHeaders(call)
  if (call.checksConditions) checkWriteConditions(call.headers, call.key, bucket.get(call.key))
  const {body} = call
  // S3 gives every object a checksum of its own choice when the client sent none (CRC64NVME there; the cheaper one here).
  const {algorithm, digest} = body.checksum ?? {algorithm: 'CRC32' as const, digest: digestOf('CRC32', body.chunks)}
  const object: StoredObject = {
    key: call.key,
    chunks: body.chunks,
    size: body.size,
    etag: etagOf(call, headers, body.md5),
    modified: wholeSeconds(call.clock.now()),
    metadata,
    headers,
    checksum: {algorithm, type: 'FULL_OBJECT', value: digest.toString('base64')},
  }
  bucket.put(object)
  return {
    status: 200,
    headers: {etag: quoted(object.etag), ...encryptionHeaders(headers), ...checksumHeaders(object.checksum)},
  }
}

export function deleteObject(call: Call): Answer {
  const bucket = bucketOf(call)
  if (call.checksConditions && call.headers['if-match'] !== undefined) {
    checkWriteConditions(call.headers, call.key, bucket.get(call.key))
  }
  bucket.delete(call.key)
  return {status: 204}
}

export function deleteObjects(call: Call): Answer {
  const bucket = bucketOf(call)
  if (!call.body.checksum && call.headers['content-md5'] === undefined) {
    throw new S3Error(
      400,
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
  }
  const document = call.body.text()
  const objects = elements(document, 'Object')
  if (objects.length === 0 || objects.length > MAX_DELETES) {
    throw new S3Error(
      400,
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    )
  }
  for (const object of objects) checkBatchKey(call, elementText(object, 'Key') ?? '')
  const quiet = elementText(document.replaceAll(/<Object>[\s\S]*?<\/Object>/g, ''), 'Quiet') === 'true'
  const deleted: XmlElement[] = []
  const errors: XmlElement[] = []
  for (const object of objects) {
    const Key = elementText(object, 'Key') ?? ''
    const failure = deleteOne(call, Key, elementText(object, 'ETag'))
    if (failure) errors.push({Key, Code: failure.code, Message: failure.message})
    else if (!quiet) deleted.push({Key})
    if (!failure) bucket.delete(Key)
  }
  return {
    status: 200,
    headers: {'content-type': 'application/xml'},
    body: xmlDocument('DeleteResult', {Deleted: deleted, Error: errors}),
  }
}

function deleteOne(call: Call, key: string, etag: string | undefined): S3Error | undefined {
  if (call.faults.isDenied('DeleteObject', key, call.accessKeyId))
    return new S3Error(403, 'AccessDenied', 'Access Denied')
  const planned = call.faults.deleteError(key, call.clock.now())
  if (planned) return planned
  if (etag === undefined || !call.checksConditions) return undefined
  try {
    checkWriteConditions({'if-match': etag}, key, bucketOf(call).get(key))
    return undefined
  } catch (error) {
    return error as S3Error
  }
}
