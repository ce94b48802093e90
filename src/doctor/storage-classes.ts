import pMap from 'p-map'
import {quote} from '../launch/shell-quote.js'
import type {ListedPart} from '../store/part.js'
import type {SessionListing} from '../store/parts.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'

const HEADS_AT_ONCE = 16
/** Objects of these classes answer no read until somebody restores them. */
const ARCHIVED = new Set(['GLACIER', 'DEEP_ARCHIVE'])
const DAYS = 7

/** Sessions that a lifecycle rule moved out of reach. The oldest part of a session goes first. */
export const storageClassCheck: DoctorCheck = {
  name: 'storage classes',
  needsStore: true,
  async look(patient) {
    const sessions = await patient.survey.stored()
    const found = await pMap(sessions, async (session) => lookAt(patient, session), {concurrency: HEADS_AT_ONCE})
    return found.flat()
  },
}

async function lookAt(patient: Patient, {ref, transcripts}: SessionListing): Promise<readonly Found[]> {
  const parts = transcripts.flatMap((each) => each.parts)
  const oldest = parts.toSorted((a, b) => a.modified - b.modified)[0]
  if (!oldest || (await archivedClass(patient, oldest)) === undefined) return []
  const archived: string[] = []
  let storageClass = ''
  for (const part of parts) {
    const found = await archivedClass(patient, part)
    if (found === undefined) continue
    archived.push(part.key)
    storageClass = found
  }
  return [
    {
      code: 'storage-archived',
      severity: 'problem',
      subject: ref.sessionId,
      what: `${archived.length} of its ${parts.length} parts lie in the storage class ${storageClass}`,
      means: 'the session cannot be read before they are restored, which takes minutes to hours',
      mend: restoreCommand(patient, archived),
    },
  ]
}

async function archivedClass({sync}: Patient, {key}: ListedPart): Promise<string | undefined> {
  const head = await sync.store.head(key)
  return head?.storageClass !== undefined && ARCHIVED.has(head.storageClass) ? head.storageClass : undefined
}

function restoreCommand({facts}: Patient, keys: readonly string[]): string {
  const {bucket} = facts.store
  const [first = ''] = keys
  if (!bucket) return `Restore these objects in the service: ${keys.join(', ')}`
  const place = `--bucket ${quote(bucket.name)} --key ${quote(bucket.prefix + first)}`
  const request = quote(`Days=${DAYS},GlacierJobParameters={Tier=Standard}`)
  const command = `aws s3api restore-object ${place} --restore-request ${request}`
  return keys.length === 1 ? command : `${command}; and so for each of the ${keys.length} parts`
}
