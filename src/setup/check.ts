import {hasCode, RepriseError} from '../base/errors.js'

/**
 * - `ok`: as it should be;
 * - `created`, `changed`: it was not, and is now;
 * - `missing`: it is not, and nothing was done about it;
 * - `warning`: it works, but not as one may expect;
 * - `unchecked`: these credentials, or this server, do not say.
 */
export type CheckState = 'ok' | 'created' | 'changed' | 'missing' | 'warning' | 'unchecked'

/** One thing about a store or its registry, and what it means here. */
export interface Check {
  readonly check: string
  readonly state: CheckState
  /** One sentence for people. */
  readonly detail: string
  /** What to do about it: a command or a sentence. */
  readonly fix?: string
}

/** A check with what would put it right. Deciding is pure; {@link carryOut} does it. */
export interface Step<Change> extends Check {
  readonly change?: {
    readonly to: Change
    readonly makes: 'created' | 'changed'
    /** The check's detail when it is done. */
    readonly done: string
  }
}

/** What somebody was asked about: an answer, or the reason why there is none. */
export type Asked<T> = {readonly known: true; readonly value: T} | {readonly known: false; readonly why: string}

export function known<T>(value: T): Asked<T> {
  return {known: true, value}
}

export function unchecked(check: string, why: string): Check {
  return {check, state: 'unchecked', detail: why}
}

export function withoutChange<Change>({change: _never, ...check}: Step<Change>): Check {
  return check
}

/** Puts a step right. What may not be changed, or cannot be here, stays missing, with the reason. */
export async function carryOut<Change>(step: Step<Change>, apply: (to: Change) => Promise<void>): Promise<Check> {
  const {change} = step
  if (change === undefined) return withoutChange(step)
  try {
    await apply(change.to)
    return {check: step.check, state: change.makes, detail: change.done}
  } catch (error) {
    const why = refusal(error)
    if (why === undefined) throw error
    return {check: step.check, state: 'missing', detail: `${step.detail}; it could not be changed: ${why}`, fix: RIGHTS}
  }
}

const RIGHTS = 'Run reprise init with the rights of an administrator of the store.'

/** Why somebody may not, or cannot, be asked this; undefined for every other failure. */
export function refusal(error: unknown): string | undefined {
  if (hasCode(error, 'ACCESS_DENIED')) return 'these credentials may not'
  if (hasCode(error, 'UNSUPPORTED')) return error.message.replace(/\.$/, '')
  return undefined
}

/** The answer that a refusal is; every other failure is thrown again. */
export function refused(error: unknown): Asked<never> {
  const why = refusal(error)
  if (why === undefined) throw error
  return {known: false, why}
}

/** The service's own name of a failure, where it gave one. */
export function serviceCode(error: unknown): string | undefined {
  const {s3Code, awsCode} = error instanceof RepriseError ? error.details : {}
  const code = s3Code ?? awsCode
  return typeof code === 'string' ? code : undefined
}
