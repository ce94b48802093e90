import type {IncomingHttpHeaders} from 'node:http'
import {S3Error} from './errors.js'
import type {Addressing} from './options.js'
import type {Target} from './uri.js'

/** Named as in S3's reference. */
export const OPERATIONS = [
  'ListBuckets',
  'CreateBucket',
  'HeadBucket',
  'DeleteBucket',
  'GetBucketLocation',
  'GetBucketVersioning',
  'GetObjectLockConfiguration',
  'GetBucketEncryption',
  'PutBucketEncryption',
  'GetPublicAccessBlock',
  'PutPublicAccessBlock',
  'GetBucketPolicy',
  'PutBucketPolicy',
  'GetBucketLifecycleConfiguration',
  'PutBucketLifecycleConfiguration',
  'ListObjects',
  'ListObjectsV2',
  'ListMultipartUploads',
  'DeleteObjects',
  'HeadObject',
  'GetObject',
  'PutObject',
  'DeleteObject',
  'CopyObject',
  'CreateMultipartUpload',
  'UploadPart',
  'UploadPartCopy',
  'CompleteMultipartUpload',
  'AbortMultipartUpload',
  'ListParts',
] as const
export type Operation = (typeof OPERATIONS)[number]

/** Where a request goes: absent bucket is the service, absent key is the bucket. */
export interface Resource {
  readonly bucket?: string
  readonly key?: string
}

/** @throws SecondLevelDomainForbidden for a path-style request where only virtual hosts are served. */
export function resolveResource(target: Target, host: string, addressing: Addressing): Resource {
  const name = host.replace(/:\d+$/, '')
  const virtual = addressing === 'path' ? undefined : /^(.+)\.localhost$/.exec(name)?.[1]
  if (virtual !== undefined) return resource(virtual, target.path.slice(1))
  const rest = target.path.slice(1)
  if (rest === '') return {}
  if (addressing === 'virtual') {
    throw new S3Error(403, 'SecondLevelDomainForbidden', 'Please use virtual hosted style to access.')
  }
  const slash = rest.indexOf('/')
  return slash === -1 ? resource(rest, '') : resource(rest.slice(0, slash), rest.slice(slash + 1))
}

const resource = (bucket: string, key: string): Resource => (key === '' ? {bucket} : {bucket, key})

const BUCKET_GETS: Record<string, Operation> = {
  location: 'GetBucketLocation',
  versioning: 'GetBucketVersioning',
  'object-lock': 'GetObjectLockConfiguration',
  encryption: 'GetBucketEncryption',
  publicAccessBlock: 'GetPublicAccessBlock',
  policy: 'GetBucketPolicy',
  lifecycle: 'GetBucketLifecycleConfiguration',
  uploads: 'ListMultipartUploads',
}
const BUCKET_PUTS: Record<string, Operation> = {
  encryption: 'PutBucketEncryption',
  publicAccessBlock: 'PutPublicAccessBlock',
  policy: 'PutBucketPolicy',
  lifecycle: 'PutBucketLifecycleConfiguration',
}
const BUCKET_METHODS: Record<string, Operation> = {
  PUT: 'CreateBucket',
  HEAD: 'HeadBucket',
  DELETE: 'DeleteBucket',
  GET: 'ListObjects',
}
const OBJECT_METHODS: Record<string, Operation> = {
  PUT: 'PutObject',
  HEAD: 'HeadObject',
  DELETE: 'DeleteObject',
  GET: 'GetObject',
}
const UPLOAD_METHODS: Record<string, Operation> = {
  PUT: 'UploadPart',
  POST: 'CompleteMultipartUpload',
  DELETE: 'AbortMultipartUpload',
  GET: 'ListParts',
}
/** Query names that ask for nothing: what names an operation besides these is not served. */
const PLAIN_PARAMETERS =
  /^(x-id|list-type|prefix|delimiter|max-keys|marker|start-after|continuation-token|encoding-type|fetch-owner|X-Amz-.*|uploadId|partNumber|max-parts|part-number-marker|key-marker|upload-id-marker|max-uploads|max-buckets|uploads|delete|location|versioning|object-lock|encryption|publicAccessBlock|policy|lifecycle)$/

/** @throws NotImplemented for what this server does not know, MethodNotAllowed for impossible pairs. */
export function operationOf(
  method: string,
  {bucket, key}: Resource,
  target: Target,
  headers: IncomingHttpHeaders,
): Operation {
  const query = new Map(target.query)
  const unknown = [...query.keys()].find((name) => !PLAIN_PARAMETERS.test(name))
  if (unknown !== undefined) throw new S3Error(501, 'NotImplemented', `This server knows nothing of ?${unknown}.`)
  const operation = findOperation(method, bucket, key, query, headers['x-amz-copy-source'] !== undefined)
  if (!operation)
    throw new S3Error(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
  return operation
}

function findOperation(
  method: string,
  bucket: string | undefined,
  key: string | undefined,
  query: ReadonlyMap<string, string>,
  copies: boolean,
): Operation | undefined {
  if (bucket === undefined) return method === 'GET' ? 'ListBuckets' : undefined
  if (key === undefined) {
    if (method === 'POST') return query.has('delete') ? 'DeleteObjects' : undefined
    const subresource = Object.keys(BUCKET_GETS).find((name) => query.has(name))
    if (subresource !== undefined) {
      return method === 'GET' ? BUCKET_GETS[subresource] : method === 'PUT' ? BUCKET_PUTS[subresource] : undefined
    }
    return method === 'GET' && query.get('list-type') === '2' ? 'ListObjectsV2' : BUCKET_METHODS[method]
  }
  if (query.has('uploadId')) {
    const operation = UPLOAD_METHODS[method]
    return operation === 'UploadPart' && copies ? 'UploadPartCopy' : operation
  }
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : undefined
  if (query.has('partNumber')) return undefined
  return method === 'PUT' && copies ? 'CopyObject' : OBJECT_METHODS[method]
}
