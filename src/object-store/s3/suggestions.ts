import type {StoreErrorCode} from '../errors.js'
import {networkFailure} from './network-error.js'
import type {FailedRequest, S3Failure} from './failure.js'

const REFRESH = 'Sign in again (aws sso login), or get new temporary credentials.'

const BY_NAME: Readonly<Record<string, readonly string[]>> = {
  ExpiredToken: [REFRESH],
  ExpiredTokenException: [REFRESH],
  TokenRefreshRequired: [REFRESH],
  InvalidToken: [REFRESH, 'Check that AWS_SESSION_TOKEN belongs to AWS_ACCESS_KEY_ID.'],
  InvalidAccessKeyId: ['Check AWS_ACCESS_KEY_ID or the profile: this store does not know the key.'],
  SignatureDoesNotMatch: ['Check AWS_SECRET_ACCESS_KEY: it does not belong to the access key.'],
  RequestTimeTooSkewed: ["Set this machine's clock: it differs too much from the store's."],
}

const ACTIONS: Readonly<Record<string, string>> = {
  ListObjectsV2: 's3:ListBucket on the bucket',
  HeadObject: 's3:GetObject (and s3:ListBucket, without which a missing object looks like a forbidden one)',
  GetObject: 's3:GetObject (and s3:ListBucket, without which a missing object looks like a forbidden one)',
  CopyObject: 's3:GetObject on the source and s3:PutObject on the target',
  UploadPartCopy: 's3:GetObject on the source and s3:PutObject on the target',
  DeleteObject: 's3:DeleteObject',
  DeleteObjects: 's3:DeleteObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
}

/** The next steps for a failure, most likely first. */
export function suggestionsFor(code: StoreErrorCode, failure: S3Failure, request: FailedRequest): readonly string[] {
  const named = Object.hasOwn(BY_NAME, failure.name) ? BY_NAME[failure.name] : undefined
  if (named !== undefined) return named
  switch (code) {
    case 'ACCESS_DENIED':
      if (failure.status === 400) return [REFRESH]
      return [
        `Allow ${ACTIONS[request.operation] ?? 's3:PutObject'} to these credentials ('reprise policy' prints what is needed).`,
        'With a KMS key: allow kms:GenerateDataKey and kms:Decrypt too.',
      ]
    case 'CREDENTIALS_MISSING':
      return [
        'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
        'Sign in (aws sso login), or give this machine a role.',
      ]
    case 'BUCKET_NOT_FOUND':
      if (failure.name === 'NoSuchBucket' || failure.status === 404)
        return [`Make it: reprise init --store s3://${request.bucket}`, 'Check the URL and the endpoint.']
      return [failure.region === undefined ? 'Give the region of the bucket.' : `Give --region ${failure.region}.`]
    case 'OBJECT_ARCHIVED':
      return [
        `Restore it: aws s3api restore-object --bucket ${request.bucket} --key '${request.key ?? ''}' --restore-request Days=7`,
      ]
    case 'STORE_UNREACHABLE':
      return networkFailure(failure)?.suggestions ?? ['Try again in a moment.']
    case 'STORE_THROTTLED':
      return ['Try again in a moment, with a smaller --concurrency.']
    case 'STORE_FULL':
      return ['Free space in the store, or raise its quota.']
    case 'STORE_CONFLICT':
      return ['Try again.']
    case 'UNSUPPORTED':
      return ['This server lacks something of S3 that is needed here; its own documentation or log may say more.']
    case 'OBJECT_NOT_FOUND':
    case 'OBJECT_EXISTS':
    case 'OBJECT_CHANGED':
    case 'RANGE_INVALID':
    case 'CHECKSUM_MISMATCH':
    case 'METADATA_INVALID':
    case 'KEY_INVALID':
      return []
  }
}
