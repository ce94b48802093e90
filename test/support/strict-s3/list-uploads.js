import {bucketOf, quoted, xmlAnswer} from './call.js'
import {checksumElement} from './checksums.js'
import {encoder} from './list-objects.js'
import {uploadOf} from './multipart.js'
import {byteOrder} from './store.js'
import {xmlDocument} from './xml.js'
const MAX_ITEMS = 1000
export function listParts(call) {
  const upload = uploadOf(call)
  const marker = Number(call.query.get('part-number-marker') ?? 0)
  const limit = readLimit(call, 'max-parts')
  const rest = [...upload.parts.values()].toSorted((a, b) => a.number - b.number).filter((part) => part.number > marker)
  const page = rest.slice(0, limit)
  const {checksum} = upload
  return xmlAnswer(
    xmlDocument('ListPartsResult', {
      Bucket: call.bucketName,
      Key: upload.key,
      UploadId: upload.id,
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.number ?? 0,
      MaxParts: limit,
      IsTruncated: rest.length > page.length,
      ...(checksum ? {ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type} : {}),
      Part: page.map((part) => ({
        PartNumber: part.number,
        LastModified: new Date(part.modified).toISOString(),
        ETag: quoted(part.etag),
        Size: part.size,
        ...(checksum && part.digest ? {[checksumElement(checksum.algorithm)]: part.digest.toString('base64')} : {}),
      })),
    }),
  )
}
const place = (key, id) => `${byteOrder(key)}\0${id}`
export function listMultipartUploads(call) {
  const prefix = call.query.get('prefix') ?? ''
  const limit = readLimit(call, 'max-uploads')
  const encode = encoder(call)
  const keyMarker = call.query.get('key-marker') ?? ''
  // Without an upload id the marker means "after every upload of that key".
  const after = keyMarker === '' ? '' : place(keyMarker, call.query.get('upload-id-marker') ?? '\u00ff')
  const rest = [...bucketOf(call).uploads.values()]
    .filter((upload) => upload.key.startsWith(prefix) && place(upload.key, upload.id) > after)
    .toSorted((a, b) => (place(a.key, a.id) < place(b.key, b.id) ? -1 : 1))
  const page = rest.slice(0, limit)
  const truncated = rest.length > page.length
  return xmlAnswer(
    xmlDocument('ListMultipartUploadsResult', {
      Bucket: call.bucketName,
      Prefix: encode(prefix),
      KeyMarker: encode(keyMarker),
      NextKeyMarker: truncated ? encode(page.at(-1).key) : undefined,
      NextUploadIdMarker: truncated ? page.at(-1).id : undefined,
      MaxUploads: limit,
      IsTruncated: truncated,
      Upload: page.map((upload) => ({
        Key: encode(upload.key),
        UploadId: upload.id,
        Initiated: new Date(upload.initiated).toISOString(),
        StorageClass: upload.headers['x-amz-storage-class'] ?? 'STANDARD',
      })),
    }),
  )
}
const readLimit = (call, name) => Math.min(Number(call.query.get(name) ?? MAX_ITEMS) || MAX_ITEMS, MAX_ITEMS)
