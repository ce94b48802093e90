import {hasCode} from '../base/errors.js'
import {isSameRegistry} from '../registry/registry-url.js'
import {probeConditions, readStoreRecord, type StoreRecord} from '../store/probe.js'
import {leaseTable} from '../sync/context.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'

const KEY = '.reprise/store.json'
const ANEW = `When no worker is running, delete ${KEY}: the next one finds out anew.`

/** What the workers of the store agreed on. */
export const storeRecordCheck: DoctorCheck = {
  name: 'store record',
  needsStore: true,
  async look(patient) {
    try {
      const record = await readStoreRecord(patient.sync.store)
      return record ? await judged(patient, record) : []
    } catch (error) {
      if (!hasCode(error, 'STORE_RECORD_DAMAGED', 'OBJECT_TOO_LARGE')) throw error
      return [
        {
          code: 'store-record-damaged',
          severity: 'problem',
          subject: KEY,
          what: 'the record of what workers agreed on cannot be read',
          means: 'every command that opens this store ends with exit code 7',
          mend: `Update reprise. ${ANEW}`,
        },
      ]
    }
  },
}

async function judged({sync}: Patient, {registry, conditions}: StoreRecord): Promise<readonly Found[]> {
  const found: Found[] = []
  if (!isSameRegistry(registry, leaseTable(sync).place)) {
    found.push({
      code: 'registry-mismatch',
      severity: 'problem',
      subject: KEY,
      what: `the workers of this store keep tasks and leases in ${registry === 'store' ? 'the store' : registry}`,
      means: 'this machine would keep them elsewhere, and is refused',
      mend: `Use the same one: --registry ${registry}`,
    })
  }
  if (conditions !== (await probeConditions(sync.store, sync.random))) {
    found.push({
      code: 'conditions-changed',
      severity: conditions ? 'problem' : 'warning',
      subject: KEY,
      what: `it says that conditional writes ${conditions ? 'hold, and they do not any more' : 'are ignored, and they hold now'}`,
      means: conditions ? 'leases here mean nothing' : 'leases are refused where they would work',
      mend: ANEW,
    })
  }
  return found
}
