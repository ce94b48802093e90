import type {ErrorKind} from '../base/errors.js'

/** The one table from what went wrong to what the process answers (docs/exit-codes.md). */
const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  bug: 1,
  usage: 2,
  'not-found': 3,
  conflict: 4,
  permission: 5,
  unreachable: 6,
  'bad-data': 7,
  interrupted: 130,
}

/** Signals that end a command in order, and the code each leaves behind (128 + the signal's number). */
export const SIGNAL_EXIT_CODES = {SIGHUP: 129, SIGINT: 130, SIGTERM: 143} as const

export type EndingSignal = keyof typeof SIGNAL_EXIT_CODES

/** Worst first. An interruption outranks them all: nobody can say what the rest would have answered. */
const SEVERITY = [143, 130, 129, 1, 7, 5, 4, 6, 3, 2]

export function exitCodeOf(kind: ErrorKind): number {
  return EXIT_CODES[kind]
}

/**
 * The exit code of a command that worked on several sessions.
 * @returns 0 when `codes` is empty or all zero.
 */
export function worstExitCode(codes: Iterable<number>): number {
  const seen = new Set(codes)
  const known = SEVERITY.find((code) => seen.has(code))
  return known ?? [...seen].find((code) => code !== 0) ?? 0
}
