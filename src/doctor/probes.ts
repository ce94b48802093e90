import {PROBE_PREFIX} from '../store/probe.js'
import type {DoctorCheck} from './patient.js'

const HOUR_MS = 3_600_000

export const probesCheck: DoctorCheck = {
  name: 'probes',
  needsStore: true,
  async look({survey, sync}) {
    const {objects, date} = await survey.below(PROBE_PREFIX)
    const stale = objects.filter(({modified}) => modified < date - HOUR_MS).map(({key}) => key)
    if (stale.length === 0) return []
    return [
      {
        code: 'probe-stale',
        severity: 'note',
        subject: PROBE_PREFIX,
        what: `${stale.length} short-lived objects of earlier probes are still there`,
        means: 'nothing reads them; whoever left them was interrupted, or may not delete',
        mend: 'reprise doctor --fix',
        fix: async () => {
          const {failed} = await sync.store.delete(stale)
          return failed.length === 0 ? `${stale.length} removed` : undefined
        },
      },
    ]
  },
}
