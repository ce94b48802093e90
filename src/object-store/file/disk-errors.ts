import {RepriseError} from '../../base/errors.js'
import {storeError, type StoreErrorCode} from '../errors.js'

const CODES: Readonly<Record<string, StoreErrorCode>> = {
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EROFS: 'ACCESS_DENIED',
  ENAMETOOLONG: 'KEY_INVALID',
}

const SUGGESTIONS: Partial<Record<StoreErrorCode, string>> = {
  STORE_FULL: 'Free space on that disk, or point --store at another one.',
  ACCESS_DENIED: 'Check who owns the directory and whether the disk is mounted read-only.',
}

/** Wraps what the caller's own body threw, which must reach the caller as it is, also when it looks like a disk's error. */
export class BodyFailure extends Error {
  override readonly name = 'BodyFailure'
}

export function errno(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Resolves to undefined when the call fails with one of these errno codes. */
export async function unless<T>(call: Promise<T>, ...codes: string[]): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (codes.includes(errno(error) ?? '')) return undefined
    throw error
  }
}

/** Of a lookup: the name is not there, or its folder is a file. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(errno(error) ?? '')
}

/** Resolves to undefined when a lookup finds nothing. */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** A failed system call in the words of the port; anything else comes back as it is. */
export function diskError(error: unknown, what: string): unknown {
  if (error instanceof BodyFailure) return error.cause
  const name = errno(error)
  if (error instanceof RepriseError || name === undefined) return error
  const code = CODES[name] ?? 'STORE_UNREACHABLE'
  const suggestion = SUGGESTIONS[code]
  return storeError(code, `The disk refused ${what}: ${name}.`, {
    cause: error,
    details: {errno: name},
    ...(suggestion === undefined ? {} : {suggestions: [suggestion]}),
  })
}
