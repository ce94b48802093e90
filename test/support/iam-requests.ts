import type {IamRequest} from './iam.js'
import type {LoggedRequest} from './strict-s3/request-log.js'

/**
 * What S3 asks IAM before it serves a request. All of it must be allowed: a read of a key where nothing is needs the right to list too,
 * with that key as the prefix, or the answer is 403 in place of 404.
 */
export function iamRequests({operation, bucket, key, prefix, status, headers}: LoggedRequest): readonly IamRequest[] {
  const arn = `arn:aws:s3:::${bucket}`
  const onObject = (action: string, resource = key): IamRequest => ({action, resource: `${arn}/${resource}`})
  const onBucket = (listed: string): IamRequest => ({
    action: 's3:ListBucket',
    resource: arn,
    context: {'s3:prefix': listed},
  })
  switch (operation) {
    case 'ListObjectsV2':
    case 'ListObjects':
      return [onBucket(prefix ?? '')]
    case 'GetObject':
    case 'HeadObject':
      return status === 404 ? [onObject('s3:GetObject'), onBucket(key)] : [onObject('s3:GetObject')]
    case 'PutObject':
    case 'CreateMultipartUpload':
    case 'UploadPart':
    case 'CompleteMultipartUpload':
      return [onObject('s3:PutObject')]
    case 'CopyObject':
    case 'UploadPartCopy': {
      const source = decodeURIComponent(String(headers?.['x-amz-copy-source'])).replace(/^\/?[^/]+\//, '')
      return [onObject('s3:PutObject'), onObject('s3:GetObject', source)]
    }
    case 'AbortMultipartUpload':
      return [onObject('s3:AbortMultipartUpload')]
    case 'DeleteObject':
      return [onObject('s3:DeleteObject')]
    default:
      throw new Error(`nobody has said what ${operation ?? 'this request'} needs`)
  }
}
