import {type ErrorKind, toRepriseError} from '../base/errors.js'

/** Why one of several sessions failed, for the result: the others went on. */
export interface SessionFailure {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
  readonly suggestions: readonly string[]
}

export function failureOf(error: unknown): SessionFailure {
  const {kind, code, message, suggestions} = toRepriseError(error)
  return {kind, code, message, suggestions}
}

/** How many outcomes there are of each action, in the order in which they occur. */
export function countActions<T extends string>(outcomes: readonly {readonly action: T}[]): Partial<Record<T, number>> {
  const counts: Partial<Record<T, number>> = {}
  for (const {action} of outcomes) counts[action] = (counts[action] ?? 0) + 1
  return counts
}

export function countSessions(sessions: number): string {
  return sessions === 1 ? '1 session' : `${sessions} sessions`
}
