import type {SyncContext} from '../sync/context.js'
import type {Processes} from '../transcript/processes.js'
import type {Found} from './finding.js'
import type {Survey} from './survey.js'
import type {Uploads} from './uploads.js'

/** What of this machine and its settings matters to sessions; gathered by the command line, values of secrets never. */
export interface Facts {
  readonly node: {readonly version: string; readonly least: string}
  readonly claude: {readonly path: string; readonly version: string | undefined} | {readonly missing: string}
  readonly store: {
    /** Nobody named one: sessions stay on this machine. */
    readonly isDefault: boolean
    /** In S3. */
    readonly bucket?: {readonly name: string; readonly prefix: string}
  }
  /** Of a store in S3, or a registry in DynamoDB. */
  readonly credentials?: {readonly source: string} | {readonly missing: string}
  readonly endpoint?: {readonly url: string; readonly source: string}
  /** Where earlier runs left what they found out. */
  readonly stateDir: string
}

/** What is examined. */
export interface Patient {
  readonly sync: SyncContext
  readonly facts: Facts
  readonly survey: Survey
  readonly processes: Processes
  /** Of a store in S3. */
  readonly uploads?: Uploads
}

/** One run of a check. */
export interface CheckRun {
  readonly signal?: AbortSignal | undefined
  /** How far it is, in a few words. */
  readonly tell: (text: string) => void
}

export interface DoctorCheck {
  /** Stable, for `--json`. */
  readonly name: string
  /** Without a store that answers it is left out. */
  readonly needsStore: boolean
  /** Changes nothing but short-lived objects of its own. */
  look(patient: Patient, run: CheckRun): Promise<readonly Found[]>
}
