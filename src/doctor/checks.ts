import {claudeCheck} from './claude.js'
import {credentialsCheck} from './credentials.js'
import {indexCheck} from './index-drift.js'
import {lateCheck} from './late.js'
import {leasesCheck} from './leases.js'
import {localCheck, unstoredCheck} from './local.js'
import {nodeCheck} from './node.js'
import {objectLockCheck} from './object-lock.js'
import type {DoctorCheck} from './patient.js'
import {probesCheck} from './probes.js'
import {settingsCheck} from './settings.js'
import {stateDirCheck} from './state-dir.js'
import {storageClassCheck} from './storage-classes.js'
import {storeRecordCheck} from './store-record.js'
import {storeCheck} from './store.js'
import {transcriptsCheck} from './transcripts.js'
import {uploadsCheck} from './uploads.js'

/** This machine first, then the store, then what lies in it. */
export const CHECKS: readonly DoctorCheck[] = [
  nodeCheck,
  claudeCheck,
  settingsCheck,
  credentialsCheck,
  stateDirCheck,
  localCheck,
  storeCheck,
  storeRecordCheck,
  probesCheck,
  uploadsCheck,
  leasesCheck,
  transcriptsCheck,
  lateCheck,
  indexCheck,
  storageClassCheck,
  objectLockCheck,
  unstoredCheck,
]
