import pMap from 'p-map'
import {quote} from '../launch/shell-quote.js'
import {OWN_PREFIX} from '../store/names.js'
import type {SessionListing} from '../store/parts.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'

const HEADS_AT_ONCE = 16
/** Objects of these classes answer no read until somebody restores them. */
const ARCHIVED = new Set(['GLACIER', 'DEEP_ARCHIVE'])
const DAYS = 7
const ARCHIVE_PREFIX = `${OWN_PREFIX}archive/`

/** Sessions that a lifecycle rule moved out of reach, or that were archived there. */
export const storageClassCheck: DoctorCheck = {
  name: 'storage classes',
  needsStore: true,
  async look(patient, {signal}) {
    const packed = new Map<string, string[]>()
    for (const {key} of (await patient.survey.below(ARCHIVE_PREFIX)).objects) {
      const sessionId = key.slice(ARCHIVE_PREFIX.length).split('/', 1)[0] ?? ''
      packed.set(sessionId, [...(packed.get(sessionId) ?? []), key])
    }
    const found = await pMap(
      await patient.survey.stored(),
      async (session) => {
        signal?.throwIfAborted()
        return lookAt(patient, session, packed.get(session.ref.sessionId) ?? [])
      },
      {concurrency: HEADS_AT_ONCE},
    )
    return found.flat()
  },
}

/** The oldest part of a session goes first: where it can be read all can. */
async function lookAt(
  patient: Patient,
  {ref, transcripts}: SessionListing,
  packed: readonly string[],
): Promise<readonly Found[]> {
  const parts = transcripts.flatMap((each) => each.parts)
  const oldest = parts.toSorted((a, b) => a.modified - b.modified).slice(0, 1)
  const first = [...oldest.map(({key}) => key), ...packed.slice(0, 1)]
  const sample = await Promise.all(first.map(async (key) => archivedClass(patient, key)))
  const storageClass = sample.find((each) => each !== undefined)
  if (storageClass === undefined) return []
  const archived: string[] = []
  for (const key of [...parts.map((part) => part.key), ...packed]) {
    if ((await archivedClass(patient, key)) !== undefined) archived.push(key)
  }
  return [
    {
      code: 'storage-archived',
      severity: 'problem',
      subject: ref.sessionId,
      what: `${archived.length} of its ${parts.length + packed.length} objects lie in the storage class ${storageClass}`,
      means: 'the session cannot be read before they are restored, which takes minutes to hours',
      mend: restoreCommand(patient, archived),
    },
  ]
}

async function archivedClass({sync}: Patient, key: string): Promise<string | undefined> {
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
  return keys.length === 1 ? command : `${command}; and so for each of the ${keys.length} objects`
}
