import type {Found} from './finding.js'
import type {DoctorCheck} from './patient.js'

/** Where sessions go, and by which way. */
export const settingsCheck: DoctorCheck = {
  name: 'settings',
  needsStore: false,
  async look({facts: {store, endpoint}, sync}) {
    const found: Found[] = []
    if (store.isDefault) {
      found.push({
        code: 'store-default',
        severity: 'note',
        subject: sync.store.url,
        what: 'no store is named: sessions are kept on this machine',
        means: 'no other machine can resume them, and they go with this disk',
        mend: 'Name one: --store s3://bucket/prefix, REPRISE_STORE, or "store" in config.json',
      })
    }
    if (endpoint) {
      const means = `named by ${endpoint.source}`
      found.push({
        code: 'endpoint',
        severity: 'note',
        subject: endpoint.url,
        what: 'requests go to this endpoint',
        means,
      })
    }
    return found
  },
}
