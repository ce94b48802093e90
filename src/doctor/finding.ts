/**
 * - `note`: as it should be, or good to know;
 * - `warning`: it works, but costs something, or will;
 * - `problem`: something does not work, or is lost, until it is mended.
 */
export type FindingSeverity = 'note' | 'warning' | 'problem'

export interface Finding {
  /** Stable, in lower case: docs/doctor.md has a row for each. */
  readonly code: string
  readonly severity: FindingSeverity
  /** What it is about: a session, a key, a directory. */
  readonly subject?: string
  /** What it is, for people. */
  readonly what: string
  /** What that means for sessions, for people. */
  readonly means: string
  /** The command, or the step, that mends it; absent where there is nothing to do. */
  readonly mend?: string
}

/** A finding, with what mends it safely: no entry is ever deleted by it. */
export interface Found extends Finding {
  /** @returns what was done, or undefined where it has to be left for now. */
  readonly fix?: () => Promise<string | undefined>
}
