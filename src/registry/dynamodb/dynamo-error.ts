import {type ErrorKind, RepriseError} from '../../base/errors.js'
import {maskSecrets} from '../../base/mask.js'
import {storeError, type StoreErrorCode} from '../../object-store/errors.js'
import {readFailure, type S3Failure} from '../../object-store/s3/failure.js'
import {networkFailure} from '../../object-store/s3/network-error.js'

/** What was asked, for messages. */
export interface FailedCall {
  /** The SDK's name, e.g. `UpdateItem`. */
  readonly operation: string
  /** The registry's URL. */
  readonly place: string
  readonly table: string
  readonly index: string
}

const BY_NAME: Readonly<Record<string, StoreErrorCode>> = {
  ProvisionedThroughputExceededException: 'STORE_THROTTLED',
  ThrottlingException: 'STORE_THROTTLED',
  Throttling: 'STORE_THROTTLED',
  RequestLimitExceeded: 'STORE_THROTTLED',
  LimitExceededException: 'STORE_THROTTLED',
  // Undecided, and nothing was written.
  TransactionConflictException: 'STORE_CONFLICT',
  ReplicatedWriteConflictException: 'STORE_CONFLICT',
  InternalServerError: 'STORE_UNREACHABLE',
  InternalFailure: 'STORE_UNREACHABLE',
  ServiceUnavailable: 'STORE_UNREACHABLE',
  ServiceUnavailableException: 'STORE_UNREACHABLE',
  RequestTimeoutException: 'STORE_UNREACHABLE',
  AccessDeniedException: 'ACCESS_DENIED',
  UnrecognizedClientException: 'ACCESS_DENIED',
  InvalidClientTokenId: 'ACCESS_DENIED',
  InvalidSignatureException: 'ACCESS_DENIED',
  IncompleteSignatureException: 'ACCESS_DENIED',
  MissingAuthenticationTokenException: 'ACCESS_DENIED',
  ExpiredTokenException: 'ACCESS_DENIED',
  OptInRequired: 'ACCESS_DENIED',
  CredentialsProviderError: 'CREDENTIALS_MISSING',
  TokenProviderError: 'CREDENTIALS_MISSING',
}

const WAIT = 'Try again in a moment.'
const CREDENTIALS = [
  'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  'Sign in (aws sso login), or give this machine a role.',
]

/**
 * An SDK or network failure in the words of the store port, whose codes mean the same here. The SDK's error hangs on to the request
 * with its signature, so it never becomes a cause: what is worth knowing is copied out of it, masked.
 */
export function toRegistryError(error: unknown, call: FailedCall): unknown {
  if (error instanceof RepriseError) return error
  const failure = readFailure(error)
  const own = tableError(failure, call)
  if (own !== undefined) return own
  const code = storeCode(failure)
  if (code === undefined) return error
  const {name, status, requestId} = failure
  return storeError(code, describe(code, failure, call), {
    suggestions: suggestionsFor(code, failure, call),
    cause: new Error(maskSecrets(`${name}${status === undefined ? '' : ` (${status})`}: ${failure.message}`)),
    details: {
      operation: call.operation,
      registry: call.place,
      ...(name === '' ? {} : {awsCode: name}),
      ...(status === undefined ? {} : {status}),
      ...(requestId === undefined ? {} : {requestId}),
    },
  })
}

/** What is wrong with the table itself. */
function tableError({name, message}: S3Failure, {place, table, index}: FailedCall): RepriseError | undefined {
  if (name === 'ResourceNotFoundException') {
    return registryError('not-found', 'TABLE_NOT_FOUND', `There is no table ${table} (${place}).`, [
      `Make it: reprise init --registry "${place}"`,
      'Check the name, the region and the account.',
    ])
  }
  if (name !== 'ValidationException') return undefined
  if (/backfilling/i.test(message)) {
    return registryError('usage', 'INDEX_MISSING', `Index ${index} of table ${table} is still being built.`, [WAIT])
  }
  if (/specified index/i.test(message)) {
    return registryError('usage', 'INDEX_MISSING', `Table ${table} has no index ${index}.`, [
      `Make it: reprise init --registry "${place}"`,
      `Name the one by claude_session_id that it has: --registry "${place}&index=NAME"`,
    ])
  }
  if (
    /key element|required keys|conditions on the keys|Query condition missed key|key schema|type mismatch/i.test(
      message,
    )
  ) {
    const what = `Table ${table} cannot be the registry: its key has to be task_id (text) alone, and that of its index ${index} claude_session_id (text).`
    return registryError('usage', 'TABLE_UNSUITABLE', what, [
      'Name another table; one that is not there is made: reprise init',
    ])
  }
  return undefined
}

function storeCode(failure: S3Failure): StoreErrorCode | undefined {
  const {name, status} = failure
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name]
  if (networkFailure(failure) !== undefined) return 'STORE_UNREACHABLE'
  if (status === undefined) return undefined
  if (status === 401 || status === 403) return 'ACCESS_DENIED'
  if (status === 429) return 'STORE_THROTTLED'
  return status >= 500 || status < 400 ? 'STORE_UNREACHABLE' : 'UNSUPPORTED'
}

function describe(code: StoreErrorCode, failure: S3Failure, {operation, place}: FailedCall): string {
  if (code === 'CREDENTIALS_MISSING') return `There are no usable credentials for ${place}.`
  if (code === 'STORE_UNREACHABLE') {
    return `${operation} on ${place} failed: ${networkFailure(failure)?.problem ?? problem(failure)}.`
  }
  return `${operation} on ${place} was refused: ${problem(failure)}.`
}

function problem({name, status, message}: S3Failure): string {
  const said = message === 'UnknownError' ? '' : maskSecrets(message).replace(/\.+$/, '')
  const http = status === undefined ? '' : `HTTP ${status}`
  return [name, said, http].filter((text) => text !== '').join(', ')
}

function suggestionsFor(
  code: StoreErrorCode,
  {name}: S3Failure,
  {operation, table, index}: FailedCall,
): readonly string[] {
  if (code === 'CREDENTIALS_MISSING') return CREDENTIALS
  if (code === 'STORE_THROTTLED') return [WAIT, `Give table ${table} more capacity, or let it be paid by request.`]
  if (code === 'STORE_UNREACHABLE') return ['Check AWS_ENDPOINT_URL_DYNAMODB, the region and the network.', WAIT]
  if (code !== 'ACCESS_DENIED') return []
  if (name === 'ExpiredTokenException') return ['Sign in again (aws sso login), or get new temporary credentials.']
  if (name !== 'AccessDeniedException') return ['Check the credentials and the region: AWS does not accept them there.']
  const resource = isOfIndex(operation) ? `index ${index} of table ${table}` : `table ${table}`
  return [`Allow dynamodb:${operation} on ${resource} to these credentials ('reprise policy' prints what is needed).`]
}

function isOfIndex(operation: string): boolean {
  return operation === 'Query' || operation === 'Scan'
}

function registryError(kind: ErrorKind, code: string, message: string, suggestions: readonly string[]): RepriseError {
  return new RepriseError({kind, code, message, suggestions})
}
