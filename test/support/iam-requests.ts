import type {IamRequest} from './iam.js'
import type {Operation} from './strict-s3/operations.js'
import type {LoggedRequest} from './strict-s3/request-log.js'

const ON_OBJECT: Partial<Record<Operation, string>> = {
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  CopyObject: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  DeleteObject: 's3:DeleteObject',
}

/**
 * What S3 asks IAM before it serves a request. All of it must be allowed: a read of a key where nothing is needs the right to list too,
 * with that key as the prefix, or the answer is 403 in place of 404. The keys of a DeleteObjects are not in the log.
 */
export function iamRequests({operation, bucket, key, prefix, status, headers}: LoggedRequest): readonly IamRequest[] {
  const arn = `arn:aws:s3:::${bucket}`
  const list = (listed: string): IamRequest => ({
    action: 's3:ListBucket',
    resource: arn,
    context: {'s3:prefix': listed},
  })
  if (operation === 'ListObjectsV2') return [list(prefix ?? '')]
  const action = operation && ON_OBJECT[operation]
  if (action === undefined) throw new Error(`nobody has said what ${operation ?? 'this request'} needs`)
  const needed = [{action, resource: `${arn}/${key}`}]
  const source = headers?.['x-amz-copy-source']
  if (source !== undefined) {
    needed.push({
      action: 's3:GetObject',
      resource: `arn:aws:s3:::${decodeURIComponent(String(source)).replace(/^\//, '')}`,
    })
  }
  return status === 404 && action === 's3:GetObject' ? [...needed, list(key)] : needed
}
