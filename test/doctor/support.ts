import {silentProgress} from '../../src/base/progress.js'
import {type DoctorReport, examine} from '../../src/doctor/examine.js'
import type {Facts, Patient} from '../../src/doctor/patient.js'
import {Survey} from '../../src/doctor/survey.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {Homes} from '../../src/store/home.js'
import {Parts} from '../../src/store/parts.js'
import {systemProcesses} from '../../src/transcript/processes.js'
import type {SyncWorker} from '../support/sync-worker.js'

export const HOUR = 3_600_000
export const DAY = 24 * HOUR

/** A store whose clock the test moves. */
export function storeAt(clock: {now: number}): MemoryObjectStore {
  return new MemoryObjectStore({clock: {now: () => clock.now}})
}

const FACTS: Facts = {
  node: {version: '22.1.0', least: '20.19.0'},
  claude: {path: '/opt/claude', version: '2.1.329'},
  store: {isDefault: false},
  stateDir: '/tmp',
}

export interface Examined extends DoctorReport {
  /** `severity code subject`, notes about a sound machine left out. */
  readonly told: readonly string[]
}

const SOUND = new Set(['node', 'claude', 'no-sessions-here'])

/** Looks as a run of its own does, which knows nothing from before. */
export async function examineAt(
  {context}: SyncWorker,
  {fix = false, facts = {}, ...more}: {fix?: boolean; facts?: Partial<Facts>} & Partial<Omit<Patient, 'facts'>> = {},
): Promise<Examined> {
  const {store} = context
  const sync = {...context, ...more.sync, parts: new Parts(store), homes: new Homes(store)}
  const patient: Patient = {
    processes: systemProcesses,
    ...more,
    sync,
    facts: {...FACTS, ...facts},
    survey: new Survey(sync),
  }
  const report = await examine(patient, {progress: silentProgress, fix, approve: async () => true})
  const told = report.findings
    .filter(({code}) => !SOUND.has(code))
    .map(({code, severity, subject, fix: done}) =>
      [severity, code, ...(subject === undefined ? [] : [subject]), ...(done ? [done.state] : [])].join(' '),
    )
  return {...report, told}
}
