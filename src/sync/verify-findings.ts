/** `damaged`: something that was stored is not there, or not what it was. `warning`: all of it is there, but not as one may expect. */
export type VerifySeverity = 'warning' | 'damaged'

/** Several of one kind in one transcript are one finding, told of the first. */
export interface VerifyFinding {
  /** Stable, in lower case: docs/doctor.md names all of them. */
  readonly code: string
  readonly severity: VerifySeverity
  /** Of a subagent's transcript; absent for the main one. */
  readonly subpath?: string
  /** The object it was first found in. */
  readonly key?: string
  /** The line of the transcript where it was first found, from 1. */
  readonly line?: number
  /** How many there are. */
  readonly count: number
  /** For people. */
  readonly message: string
}

export type FoundThing = Omit<VerifyFinding, 'count' | 'subpath'>

/** Gathers what is wrong with one transcript; memory does not grow with how often. */
export class VerifyFindings {
  readonly #byCode = new Map<string, VerifyFinding>()
  readonly #subpath: string | undefined

  constructor(subpath?: string) {
    this.#subpath = subpath
  }

  add(found: FoundThing): void {
    const known = this.#byCode.get(found.code)
    const place = this.#subpath === undefined ? {} : {subpath: this.#subpath}
    this.#byCode.set(found.code, known ? {...known, count: known.count + 1} : {...found, ...place, count: 1})
  }

  get all(): readonly VerifyFinding[] {
    return [...this.#byCode.values()]
  }
}

/** `PART_DAMAGED` as findings write it. */
export function findingCode(errorCode: string): string {
  return errorCode.toLowerCase().replaceAll('_', '-')
}
