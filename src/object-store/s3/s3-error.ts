import {RepriseError} from '../../base/errors.js'
import {maskSecrets} from '../../base/mask.js'
import {storeError, type StoreErrorCode} from '../errors.js'
import {type FailedRequest, readFailure, type S3Failure} from './failure.js'
import {networkFailure} from './network-error.js'
import {suggestionsFor} from './suggestions.js'

/**
 * An SDK or network failure in the words of the port. The SDK's error hangs on to the request with its signature, so it
 * never becomes a cause: what is worth knowing is copied out of it, masked.
 */
export function toStoreError(error: unknown, request: FailedRequest): unknown {
  if (error instanceof RepriseError) return error
  const failure = readFailure(error)
  const code = storeCode(failure, request)
  if (code === undefined) return error
  const {name, status, requestId, retryAfterMs} = failure
  const message = maskSecrets(failure.message)
  return storeError(code, describe(code, failure, request), {
    suggestions: suggestionsFor(code, failure, request),
    cause: new Error(maskSecrets(`${name}${status === undefined ? '' : ` (${status})`}: ${message}`)),
    details: {
      operation: request.operation,
      ...(request.key === undefined ? {} : {key: request.key}),
      ...(name === '' ? {} : {s3Code: name}),
      ...(status === undefined ? {} : {status}),
      ...(requestId === undefined ? {} : {requestId}),
      ...(retryAfterMs === undefined ? {} : {retryAfterMs}),
    },
  })
}

const BY_NAME: Readonly<Record<string, StoreErrorCode>> = {
  NoSuchKey: 'OBJECT_NOT_FOUND',
  NoSuchBucket: 'BUCKET_NOT_FOUND',
  PermanentRedirect: 'BUCKET_NOT_FOUND',
  AuthorizationHeaderMalformed: 'BUCKET_NOT_FOUND',
  IllegalLocationConstraintException: 'BUCKET_NOT_FOUND',
  ConditionalRequestConflict: 'STORE_CONFLICT',
  OperationAborted: 'STORE_CONFLICT',
  InvalidRange: 'RANGE_INVALID',
  BadDigest: 'CHECKSUM_MISMATCH',
  InvalidDigest: 'CHECKSUM_MISMATCH',
  XAmzContentSHA256Mismatch: 'CHECKSUM_MISMATCH',
  XAmzContentChecksumMismatch: 'CHECKSUM_MISMATCH',
  MetadataTooLarge: 'METADATA_INVALID',
  KeyTooLongError: 'KEY_INVALID',
  InvalidURI: 'KEY_INVALID',
  XMinioInvalidObjectName: 'KEY_INVALID',
  ObjectParentIsFile: 'KEY_INVALID',
  ExistingObjectIsDirectory: 'KEY_INVALID',
  InvalidObjectState: 'OBJECT_ARCHIVED',
  QuotaExceeded: 'STORE_FULL',
  BucketQuotaExceeded: 'STORE_FULL',
  XMinioStorageFull: 'STORE_FULL',
  XMinioAdminBucketQuotaExceeded: 'STORE_FULL',
  InsufficientStorage: 'STORE_FULL',
  NotImplemented: 'UNSUPPORTED',
  MethodNotAllowed: 'UNSUPPORTED',
  SlowDown: 'STORE_THROTTLED',
  SlowDownRead: 'STORE_THROTTLED',
  SlowDownWrite: 'STORE_THROTTLED',
  TooManyRequests: 'STORE_THROTTLED',
  ServiceUnavailable: 'STORE_THROTTLED',
  Throttling: 'STORE_THROTTLED',
  ThrottlingException: 'STORE_THROTTLED',
  RequestLimitExceeded: 'STORE_THROTTLED',
  BandwidthLimitExceeded: 'STORE_THROTTLED',
  // Who loses an upload to an abort can begin anew.
  NoSuchUpload: 'STORE_UNREACHABLE',
  RequestTimeout: 'STORE_UNREACHABLE',
  IncompleteBody: 'STORE_UNREACHABLE',
  InternalError: 'STORE_UNREACHABLE',
  AccessDenied: 'ACCESS_DENIED',
  AccountProblem: 'ACCESS_DENIED',
  AllAccessDisabled: 'ACCESS_DENIED',
  ExpiredToken: 'ACCESS_DENIED',
  ExpiredTokenException: 'ACCESS_DENIED',
  TokenRefreshRequired: 'ACCESS_DENIED',
  InvalidToken: 'ACCESS_DENIED',
  InvalidAccessKeyId: 'ACCESS_DENIED',
  SignatureDoesNotMatch: 'ACCESS_DENIED',
  RequestTimeTooSkewed: 'ACCESS_DENIED',
  CredentialsProviderError: 'CREDENTIALS_MISSING',
  TokenProviderError: 'CREDENTIALS_MISSING',
  CredentialsError: 'CREDENTIALS_MISSING',
}

const BY_STATUS: Readonly<Record<number, StoreErrorCode>> = {
  301: 'BUCKET_NOT_FOUND',
  307: 'BUCKET_NOT_FOUND',
  401: 'ACCESS_DENIED',
  403: 'ACCESS_DENIED',
  404: 'OBJECT_NOT_FOUND',
  405: 'UNSUPPORTED',
  408: 'STORE_UNREACHABLE',
  416: 'RANGE_INVALID',
  429: 'STORE_THROTTLED',
  501: 'UNSUPPORTED',
  503: 'STORE_THROTTLED',
  507: 'STORE_FULL',
}

/** @returns undefined for what came neither from the store nor from the way to it: a bug, or the caller's own body. */
function storeCode(failure: S3Failure, request: FailedRequest): StoreErrorCode | undefined {
  const {name, status} = failure
  if (name === 'PreconditionFailed' || status === 412) return conditionCode(request)
  // The SDK's words for an answer without a body: a server that takes it for an UploadPart has nothing more to say.
  if (request.operation === 'UploadPartCopy' && failure.message === 'S3 aborted request') return 'UNSUPPORTED'
  const named = codeByName(name)
  const code = named ?? (status === undefined ? undefined : BY_STATUS[status])
  if (code === 'OBJECT_NOT_FOUND' && request.mode?.type === 'update') return 'OBJECT_CHANGED'
  if (code === 'OBJECT_NOT_FOUND' && request.key === undefined) return 'BUCKET_NOT_FOUND'
  if (code !== undefined) return code
  // A HEAD has no body to name the code: an expired token looks like this.
  if (status === 400 && request.operation === 'HeadObject') return 'ACCESS_DENIED'
  if (failure.message.startsWith('Checksum mismatch')) return 'CHECKSUM_MISMATCH'
  if (networkFailure(failure) !== undefined) return 'STORE_UNREACHABLE'
  if (status === undefined) return undefined
  return status >= 500 || status < 400 ? 'STORE_UNREACHABLE' : 'UNSUPPORTED'
}

/** For errors of single keys in the answer to DeleteObjects. */
export function codeByName(name: string): StoreErrorCode | undefined {
  return Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
}

function conditionCode({mode}: FailedRequest): StoreErrorCode {
  return mode?.type === 'create' ? 'OBJECT_EXISTS' : 'OBJECT_CHANGED'
}

function describe(code: StoreErrorCode, failure: S3Failure, {operation, store, bucket, key}: FailedRequest): string {
  const object = key === undefined ? store : `'${key}' in ${store}`
  switch (code) {
    case 'OBJECT_NOT_FOUND':
      return `There is no object ${object}.`
    case 'OBJECT_EXISTS':
      return `Object ${object} is already there.`
    case 'OBJECT_CHANGED':
      return `Object ${object} is no longer the one asked for.`
    case 'BUCKET_NOT_FOUND':
      if (failure.name === 'NoSuchBucket' || failure.status === 404) return `There is no bucket '${bucket}'.`
      return `Bucket '${bucket}' is not in the region asked${failure.region === undefined ? '' : `: it is in ${failure.region}`}.`
    case 'OBJECT_ARCHIVED':
      return `Object ${object} is archived and must be restored before it can be read.`
    case 'RANGE_INVALID':
      return `Object ${object} has no bytes in the range asked for.`
    case 'CHECKSUM_MISMATCH':
      return `The bytes of ${object} do not match their checksum.`
    case 'STORE_CONFLICT':
      return `The store could not decide a race for ${object}.`
    case 'STORE_UNREACHABLE':
      return `${operation} on ${object} failed: ${networkFailure(failure)?.problem ?? problem(failure)}.`
    case 'CREDENTIALS_MISSING':
      return `There are no usable credentials for ${store}.`
    case 'ACCESS_DENIED':
    case 'METADATA_INVALID':
    case 'KEY_INVALID':
    case 'STORE_FULL':
    case 'STORE_THROTTLED':
    case 'UNSUPPORTED':
      return `${operation} on ${object} was refused: ${problem(failure)}.`
  }
}

function problem({name, status, message}: S3Failure): string {
  const said = message === 'UnknownError' ? '' : maskSecrets(message).replace(/\.+$/, '')
  const http = status === undefined ? '' : `HTTP ${status}`
  return [name, said, http].filter((text) => text !== '').join(', ')
}
