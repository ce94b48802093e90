import {silentLogger} from '../../../src/base/logger.js'
import type {Patient} from '../../../src/doctor/patient.js'
import type {LeaseOwner} from '../../../src/registry/lease-record.js'
import type {WriteContext} from '../../../src/store/write-part.js'
import {emptySessionState} from '../../../src/sync/sync-state.js'
import type {Core} from './core.js'
import {noProcesses} from './no-processes.js'

/** A store as `doctor` has it, on a machine where nothing else is to be found. */
export function patientOf(
  core: Core,
  context: WriteContext,
  pid: number,
  isDead: (owner: LeaseOwner) => boolean = () => false,
): Patient {
  const {store} = context.parts
  const sync: Patient['sync'] = {
    ...context,
    store,
    homes: new core.Homes(store),
    owner: {machine: context.machine, boot: 'b', pidNamespace: 'n', pid, start: 's'},
    isDead,
    state: {read: async () => emptySessionState, write: async () => undefined},
    configDir: '',
    uid: undefined,
    logger: silentLogger,
  }
  const facts: Patient['facts'] = {
    node: {version: '', least: ''},
    claude: {missing: ''},
    store: {isDefault: false},
    stateDir: '',
  }
  return {sync, facts, survey: new core.Survey(sync), processes: noProcesses}
}
