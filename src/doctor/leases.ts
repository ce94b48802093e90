import {isFree} from '../registry/lease-record.js'
import type {ListedLease} from '../registry/lease-table.js'
import {LEASE_PREFIX} from '../store/names.js'
import {leaseTable} from '../sync/context.js'
import {releaseLease} from '../sync/release-lease.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'

export const leasesCheck: DoctorCheck = {
  name: 'leases',
  needsStore: true,
  async look(patient) {
    const found: Found[] = []
    const readable = new Set<string>()
    const table = leaseTable(patient.sync)
    for await (const lease of table.list()) {
      readable.add(`${lease.sessionId}.json`)
      if (!lease.record.released) found.push(...judged(patient, lease))
    }
    if (table.place === 'store') found.push(...(await damaged(patient, readable)))
    return found
  },
}

function judged({sync}: Patient, {sessionId, record, date}: ListedLease): readonly Found[] {
  const {owner, expiry} = record
  const holder = `process ${owner.pid} on ${owner.machine}`
  if (sync.isDead(owner)) {
    return [
      {
        code: 'lease-dead',
        severity: 'warning',
        subject: sessionId,
        what: `held by ${holder}, which does not run any more`,
        means: 'other machines wait until it expires; this one gets it at once',
        mend: `reprise lease release ${sessionId}`,
        fix: async () => {
          const released = await releaseLease(sync, sessionId, {force: false, approve: async () => true})
          return released && 'released'
        },
      },
    ]
  }
  if (!isFree(record, date)) return []
  return [
    {
      code: 'lease-expired',
      severity: 'note',
      subject: sessionId,
      what: `${holder} did not give it back, and it expired ${new Date(expiry).toISOString()}`,
      means:
        'the session is free; the next holder cuts off what that process may still send, and its machine may hold entries that are not stored',
      mend: `On ${owner.machine}: reprise status ${sessionId}`,
    },
  ]
}

async function damaged({survey}: Patient, readable: ReadonlySet<string>): Promise<readonly Found[]> {
  const {objects} = await survey.below(LEASE_PREFIX)
  const keys = objects.map(({key}) => key).filter((key) => key.endsWith('.json'))
  return keys
    .filter((key) => !readable.has(key.slice(LEASE_PREFIX.length)))
    .map((key) => ({
      code: 'lease-damaged',
      severity: 'problem',
      subject: key,
      what: 'this lease record cannot be read',
      means: 'nobody can write that session (exit code 7); reading it works',
      mend: 'Update reprise, or restore the object. Only when no worker has the session: delete it, and the next one counts from its parts.',
    }))
}
