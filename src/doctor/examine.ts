import {hasCode, type RepriseError, toRepriseError} from '../base/errors.js'
import type {Progress} from '../base/progress.js'
import {failureOf, type SessionFailure} from '../sync/report.js'
import {CHECKS} from './checks.js'
import type {Finding, FindingSeverity, Found} from './finding.js'
import type {CheckRun, DoctorCheck, Patient} from './patient.js'
import {storeFailure} from './store.js'

export interface ExamineOptions {
  readonly progress: Progress
  readonly signal?: AbortSignal | undefined
  /** Mend what can be mended safely. */
  readonly fix: boolean
  /** Asked once, before anything is mended. */
  readonly approve: (mendable: readonly Finding[]) => Promise<boolean>
}

/**
 * - `fixed`: mended;
 * - `left`: not now: another is at work there, or its time has not come;
 * - `failed`: mending it went wrong.
 */
export type FixState = 'fixed' | 'left' | 'failed'

export interface ExaminedFinding extends Finding {
  readonly check: string
  /** `--fix` mends it. */
  readonly fixable: boolean
  readonly fix?: {readonly state: FixState; readonly detail: string}
}

export interface DoctorReport {
  readonly store: string
  readonly findings: readonly ExaminedFinding[]
  /** By name; those that found nothing among them. */
  readonly checks: readonly {readonly check: string; readonly state: 'done' | 'skipped' | 'failed'}[]
  readonly totals: Readonly<Record<FindingSeverity, number>> & {readonly fixed: number}
  /** What keeps the store from being used. */
  readonly error?: SessionFailure
}

/** Runs every check, one after the other, and mends what was approved. A check that fails is a finding, and stops no other. */
export async function examine(patient: Patient, options: ExamineOptions): Promise<DoctorReport> {
  const step = options.progress.task(`Examining ${patient.sync.store.url}`)
  const found: {readonly check: string; readonly found: Found}[] = []
  const checks: DoctorReport['checks'][number][] = []
  let refused: RepriseError | undefined
  try {
    for (const check of CHECKS) {
      options.signal?.throwIfAborted()
      step.update(check.name)
      if (check.needsStore && refused) {
        checks.push({check: check.name, state: 'skipped'})
        continue
      }
      const {findings, error} = await run(check, patient, {
        signal: options.signal,
        tell: (text) => step.update(`${check.name}: ${text}`),
      })
      refused = check.name === 'store' ? error : refused
      checks.push({check: check.name, state: error ? 'failed' : 'done'})
      found.push(...findings.map((each) => ({check: check.name, found: each})))
    }
    step.succeed(`Examined ${patient.sync.store.url}`)
  } catch (error) {
    step.fail()
    throw error
  }
  const findings = await mend(found, options)
  return {
    store: patient.sync.store.url,
    findings,
    checks,
    totals: totalsOf(findings),
    ...(refused && {error: failureOf(refused)}),
  }
}

async function run(
  check: DoctorCheck,
  patient: Patient,
  checkRun: CheckRun,
): Promise<{readonly findings: readonly Found[]; readonly error?: RepriseError}> {
  try {
    return {findings: await check.look(patient, checkRun)}
  } catch (cause) {
    if (checkRun.signal?.aborted) throw cause
    const error = toRepriseError(cause)
    if (error.kind === 'bug') throw error
    return {findings: [check.name === 'store' ? storeFailure(error) : checkFailed(check, error)], error}
  }
}

function checkFailed({name}: DoctorCheck, error: RepriseError): Found {
  const mend = error.suggestions[0]
  // A worker may rightly not look at all of this.
  const severity = error.kind === 'bad-data' ? 'problem' : error.kind === 'permission' ? 'note' : 'warning'
  return {
    code: 'check-failed',
    severity,
    subject: name,
    what: `the check could not be made: ${error.message} [${error.code}]`,
    means: 'what it looks for may be there',
    ...(mend !== undefined && {mend}),
  }
}

async function mend(
  found: readonly {readonly check: string; readonly found: Found}[],
  {fix, approve, signal}: ExamineOptions,
): Promise<readonly ExaminedFinding[]> {
  const mendable = found.filter((each) => each.found.fix !== undefined)
  const isWanted = fix && mendable.length > 0 && (await approve(mendable.map((each) => withoutFix(each.found))))
  const examined: ExaminedFinding[] = []
  for (const {check, found: each} of found) {
    const finding = {...withoutFix(each), check, fixable: each.fix !== undefined}
    if (!isWanted || !each.fix) examined.push(finding)
    else examined.push({...finding, fix: await tryFix(each.fix, signal)})
  }
  return examined
}

async function tryFix(
  fix: () => Promise<string | undefined>,
  signal: AbortSignal | undefined,
): Promise<{readonly state: FixState; readonly detail: string}> {
  signal?.throwIfAborted()
  try {
    const done = await fix()
    return done === undefined ? {state: 'left', detail: 'not now: run it again later'} : {state: 'fixed', detail: done}
  } catch (error) {
    if (signal?.aborted) throw error
    const {message, code} = toRepriseError(error)
    const isBusy = hasCode(error, 'LEASE_HELD', 'LEASE_LOST', 'TRANSCRIPT_BUSY')
    return {state: isBusy ? 'left' : 'failed', detail: `${message} [${code}]`}
  }
}

function withoutFix({fix: _fix, ...finding}: Found): Finding {
  return finding
}

function totalsOf(findings: readonly ExaminedFinding[]): DoctorReport['totals'] {
  const open = findings.filter(({fix}) => fix?.state !== 'fixed')
  const count = (wanted: FindingSeverity): number => open.filter(({severity}) => severity === wanted).length
  return {
    note: count('note'),
    warning: count('warning'),
    problem: count('problem'),
    fixed: findings.length - open.length,
  }
}
