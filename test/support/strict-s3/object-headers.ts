import type {IncomingHttpHeaders} from 'node:http'
import {headerOf, quoted, type Call} from './call.js'
import {checksumHeader, type StoredChecksum} from './checksums.js'
import {DIRECTORY_CLASS} from './directory-bucket.js'
import {invalidArgument, invalidRequest, S3Error} from './errors.js'
import {opaqueEtag, type StoredObject} from './store.js'

const METADATA_PREFIX = 'x-amz-meta-'
const MAX_METADATA = 2048
const MAX_KEY = 1024

const KEPT_HEADERS = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'expires']
const STORAGE_CLASSES = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'REDUCED_REDUNDANCY',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
]
const ENCRYPTION = ['x-amz-server-side-encryption', 'x-amz-server-side-encryption-aws-kms-key-id']

/** @throws MetadataTooLarge */
export function readMetadata(headers: IncomingHttpHeaders): Record<string, string> {
  const metadata: Record<string, string> = {}
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(METADATA_PREFIX)) continue
    const key = name.slice(METADATA_PREFIX.length)
    metadata[key] = String(value)
    size += Buffer.byteLength(key) + Buffer.byteLength(String(value), 'latin1')
  }
  if (size > MAX_METADATA) {
    throw new S3Error(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      elements: {Size: String(size), MaxSizeAllowed: String(MAX_METADATA)},
    })
  }
  return metadata
}

/** What is stored with an object besides its metadata. `aws-chunked` was the transfer's encoding, not the object's. */
export function readObjectHeaders({headers, settings, clock}: Call): Record<string, string> {
  const kept: Record<string, string> = {'content-type': 'binary/octet-stream'}
  for (const name of KEPT_HEADERS) {
    if (headers[name] !== undefined) kept[name] = String(headers[name])
  }
  const encoding = (headers['content-encoding'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '' && part !== 'aws-chunked')
  if (encoding.length > 0) kept['content-encoding'] = encoding.join(',')
  const [usual, classes] = settings.directoryBucket
    ? [DIRECTORY_CLASS, [DIRECTORY_CLASS]]
    : ['STANDARD', STORAGE_CLASSES]
  const storageClass = String(headers['x-amz-storage-class'] ?? usual)
  if (!classes.includes(storageClass)) {
    throw new S3Error(400, 'InvalidStorageClass', 'The storage class you specified is not valid')
  }
  if (storageClass !== 'STANDARD') kept['x-amz-storage-class'] = storageClass
  for (const name of ENCRYPTION) {
    if (headers[name] !== undefined) kept[name] = String(headers[name])
  }
  if (settings.retentionMs > 0) {
    kept['x-amz-object-lock-mode'] = 'GOVERNANCE'
    kept['x-amz-object-lock-retain-until-date'] = new Date(clock.now() + settings.retentionMs).toISOString()
  }
  const encryption = kept['x-amz-server-side-encryption']
  if (encryption !== undefined && encryption !== 'AES256' && !encryption.startsWith('aws:kms')) {
    throw invalidArgument(
      'x-amz-server-side-encryption',
      encryption,
      'The encryption method specified is not supported',
    )
  }
  if (kept['x-amz-server-side-encryption-aws-kms-key-id'] !== undefined && !encryption?.startsWith('aws:kms')) {
    throw invalidRequest(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
    )
  }
  return kept
}

/** @throws KeyTooLongError */
export function checkKey(key: string): void {
  const size = Buffer.byteLength(key)
  if (size > MAX_KEY) {
    throw new S3Error(400, 'KeyTooLongError', 'Your key is too long', {
      elements: {Size: String(size), MaxSizeAllowed: String(MAX_KEY)},
    })
  }
}

/** The content's MD5, except where S3 does not promise that either. */
export function etagOf(call: Call, headers: Readonly<Record<string, string>>, md5: Buffer): string {
  const encrypted = headers['x-amz-server-side-encryption']?.startsWith('aws:kms') === true
  return call.settings.directoryBucket || encrypted ? opaqueEtag() : md5.toString('hex')
}

export function checksumHeaders(checksum: StoredChecksum | undefined): Record<string, string> {
  return checksum ? {[checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type} : {}
}

export function encryptionHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => ENCRYPTION.includes(name)))
}

export function objectHeaders(call: Call, object: StoredObject, whole: boolean): Record<string, string> {
  const wantsChecksum = headerOf(call, 'x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
  return {
    ...object.headers,
    ...Object.fromEntries(Object.entries(object.metadata).map(([key, value]) => [`${METADATA_PREFIX}${key}`, value])),
    etag: quoted(object.etag),
    'last-modified': new Date(object.modified).toUTCString(),
    'accept-ranges': 'bytes',
    ...(wantsChecksum && whole ? checksumHeaders(object.checksum) : {}),
  }
}
