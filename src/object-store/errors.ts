import {type ErrorKind, RepriseError} from '../base/errors.js'

/** Codes that an {@link ObjectStore} rejects with. A caller tells them apart only where it acts differently. */
export type StoreErrorCode =
  | 'OBJECT_NOT_FOUND'
  | 'OBJECT_EXISTS'
  | 'OBJECT_CHANGED'
  | 'STORE_CONFLICT'
  | 'RANGE_INVALID'
  | 'CHECKSUM_MISMATCH'
  | 'METADATA_INVALID'
  | 'KEY_INVALID'
  | 'BUCKET_NOT_FOUND'
  | 'ACCESS_DENIED'
  | 'CREDENTIALS_MISSING'
  | 'OBJECT_ARCHIVED'
  | 'UNSUPPORTED'
  | 'STORE_THROTTLED'
  | 'STORE_FULL'
  | 'STORE_UNREACHABLE'

const KINDS: Record<StoreErrorCode, ErrorKind> = {
  OBJECT_NOT_FOUND: 'not-found',
  OBJECT_EXISTS: 'conflict',
  OBJECT_CHANGED: 'conflict',
  STORE_CONFLICT: 'conflict',
  RANGE_INVALID: 'bad-data',
  CHECKSUM_MISMATCH: 'bad-data',
  METADATA_INVALID: 'bad-data',
  KEY_INVALID: 'bad-data',
  BUCKET_NOT_FOUND: 'not-found',
  ACCESS_DENIED: 'permission',
  CREDENTIALS_MISSING: 'permission',
  OBJECT_ARCHIVED: 'bad-data',
  UNSUPPORTED: 'usage',
  STORE_THROTTLED: 'unreachable',
  STORE_FULL: 'unreachable',
  STORE_UNREACHABLE: 'unreachable',
}

export interface StoreErrorOptions {
  readonly suggestions?: readonly string[]
  readonly cause?: unknown
  readonly details?: Readonly<Record<string, unknown>>
}

/** A store's failure in the words of the port. `message` names the key and the store, never a credential. */
export function storeError(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}): RepriseError {
  return new RepriseError({kind: KINDS[code], code, message, ...options})
}
