/**
 * What a failure means to the person or script that called us. Each kind has one exit code (docs/exit-codes.md), so a
 * kind exists only where the caller would act differently.
 */
export type ErrorKind =
  | 'usage'
  | 'not-found'
  | 'conflict'
  | 'permission'
  | 'unreachable'
  | 'bad-data'
  | 'interrupted'
  | 'bug'

export interface RepriseErrorOptions {
  readonly kind: ErrorKind
  /** Stable and machine-readable, e.g. `LEASE_HELD`. Codes are API: never renamed, never reused. */
  readonly code: string
  readonly message: string
  /** What to do next, one sentence or command each, most likely first. */
  readonly suggestions?: readonly string[]
  readonly cause?: unknown
  /** Facts for `--json` and logs (never secrets, never transcript content). */
  readonly details?: Readonly<Record<string, unknown>>
}

/** The one error class of this package. Core code throws it; only the command line's base command renders it. */
export class RepriseError extends Error {
  override readonly name = 'RepriseError'
  readonly kind: ErrorKind
  readonly code: string
  readonly suggestions: readonly string[]
  readonly details: Readonly<Record<string, unknown>>

  constructor(options: RepriseErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : {cause: options.cause})
    this.kind = options.kind
    this.code = options.code
    this.suggestions = options.suggestions ?? []
    this.details = options.details ?? {}
  }
}

export function hasCode(error: unknown, ...codes: string[]): error is RepriseError {
  return error instanceof RepriseError && codes.includes(error.code)
}

/** Whatever was thrown, as one of ours: anything unknown is our bug. */
export function toRepriseError(error: unknown): RepriseError {
  if (error instanceof RepriseError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new RepriseError({kind: 'bug', code: 'INTERNAL', message, cause: error})
}
