import {storeError} from './errors.js'

/** S3's limit, in UTF-8 bytes. */
const KEY_LIMIT = 1024

/** @throws KEY_INVALID for a key that no store takes: empty, over {@link KEY_LIMIT}, not well-formed Unicode, or with a NUL. */
export function checkKey(key: string): void {
  const problem = keyProblem(key)
  if (problem !== undefined) throw storeError('KEY_INVALID', `Key ${JSON.stringify(key.slice(0, 200))} ${problem}.`)
}

/** Whether {@link checkKey} lets it pass. A store may list more than that: keys that others made. */
export function isKey(key: string): boolean {
  return keyProblem(key) === undefined
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (key.includes('\0')) return 'holds a NUL'
  const bytes = Buffer.byteLength(key)
  if (bytes > KEY_LIMIT) return `is ${bytes} bytes long; stores take ${KEY_LIMIT}`
  if (/\p{Surrogate}/u.test(key)) return 'holds half a surrogate pair'
  return undefined
}
