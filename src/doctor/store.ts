import type {RepriseError} from '../base/errors.js'
import {probeStore} from '../setup/probe-store.js'
import type {Check} from '../setup/check.js'
import type {Found} from './finding.js'
import type {DoctorCheck} from './patient.js'

/** What the store does, found out with short-lived objects. */
export const storeCheck: DoctorCheck = {
  name: 'store',
  needsStore: true,
  async look({sync: {store, random}}) {
    const checks = await probeStore(store, {random})
    return checks.flatMap((check) => (check.state === 'ok' ? [] : [foundOf(check)]))
  },
}

const CODES: Readonly<Record<string, string>> = {
  'write and read': 'store-loses-data',
  'missing objects': 'list-denied',
  'conditional writes': 'conditions-ignored',
  'list order': 'listing-incomplete',
  delete: 'delete-denied',
}

function foundOf({check, state, detail, fix}: Check): Found {
  const code = state === 'unchecked' ? 'store-unchecked' : (CODES[check] ?? 'store-unchecked')
  return {
    code,
    severity:
      code === 'store-loses-data' || code === 'list-denied' || code === 'listing-incomplete' ? 'problem' : 'warning',
    what: check,
    means: detail,
    ...(fix !== undefined && {mend: fix}),
  }
}

const FAILURES: Readonly<Record<string, string>> = {
  ACCESS_DENIED: 'store-denied',
  BUCKET_NOT_FOUND: 'bucket-missing',
  CREDENTIALS_MISSING: 'credentials-missing',
}

/** Why a store cannot be used at all. */
export function storeFailure({code, message, suggestions}: RepriseError): Found {
  const mend = suggestions[0]
  return {
    code: FAILURES[code] ?? 'store-unreachable',
    severity: 'problem',
    what: `the store cannot be used: ${message} [${code}]`,
    means: 'nothing is stored or fetched; sessions here go on without it',
    ...(mend !== undefined && {mend}),
  }
}
