import {type Check, carryOut, type Step, withoutChange} from './check.js'

/** A thing that a store or its registry lies in: a bucket, a directory, a table. */
export interface Place {
  /** What is there, and what would put it right. Changes nothing. */
  look(): Promise<readonly Planned[]>
}

/** A step, and the way to carry it out. */
export interface Planned {
  readonly check: Check
  /** Without it there is no store: nothing after it makes sense, and its failure is the command's. */
  readonly isVital: boolean
  /** Absent where there is nothing to do. */
  readonly carryOut?: () => Promise<Check>
}

export function planned<Change>(
  steps: readonly Step<Change>[],
  apply: (to: Change) => Promise<void>,
): readonly Planned[] {
  return steps.map((step) => ({
    check: withoutChange(step),
    isVital: false,
    ...(step.change && {carryOut: async () => carryOut(step, apply)}),
  }))
}

/** @param make creates the place; what it throws is not caught. */
export function vital(check: Check, made: string, make: () => Promise<void>): Planned {
  return {
    check,
    isVital: true,
    carryOut: async () => {
      await make()
      return {check: check.check, state: 'created', detail: made}
    },
  }
}

export function settled(check: Check): Planned {
  return {check, isVital: false}
}
