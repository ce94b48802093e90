import {listAll} from '../object-store/list-all.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {Homes} from '../store/home.js'
import {
  archivePrefix,
  filesPrefix,
  journalPrefix,
  latePrefix,
  sessionPrefix,
  summaryKeyOf,
  transcriptPrefix,
  type TranscriptRef,
} from '../store/names.js'
import {RepriseError} from '../base/errors.js'
import {sdkSummaryKey} from './sdk-summary.js'

/**
 * Removes a transcript, or, named by its main one, a whole session. The lease record and the home record stay: late requests of
 * a writer must still meet them. What sessions of one id under several project keys share goes with the one that is at home.
 *
 * @throws DELETE_INCOMPLETE when the store kept something.
 */
export async function removeTranscript(store: ObjectStore, homes: Homes, ref: TranscriptRef): Promise<void> {
  const isAtHome = async () => ((await homes.recorded(ref.sessionId)) ?? ref.homeKey) === ref.homeKey
  if (ref.subpath !== undefined) {
    await removeBelow(store, transcriptPrefix(ref), '/')
    if (await isAtHome()) await removeBelow(store, archivePrefix(ref), '/')
    return
  }
  // Parts first: journals say which of them do not count.
  await removeBelow(store, sessionPrefix(ref))
  await removeKeys(store, [sdkSummaryKey(ref)])
  if (!(await isAtHome())) return
  await removeKeys(store, [summaryKeyOf(ref.sessionId)])
  for (const prefix of [archivePrefix(ref), journalPrefix(ref), latePrefix(ref), filesPrefix(ref.sessionId)])
    await removeBelow(store, prefix)
}

async function removeBelow(store: ObjectStore, prefix: string, delimiter?: '/'): Promise<void> {
  const {objects} = await listAll(store, {prefix, ...(delimiter && {delimiter})})
  await removeKeys(
    store,
    objects.map(({key}) => key),
  )
}

async function removeKeys(store: ObjectStore, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  const {failed} = await store.delete(keys)
  const [first] = failed
  if (!first) return
  throw new RepriseError({
    kind: 'permission',
    code: 'DELETE_INCOMPLETE',
    message: `${failed.length} objects could not be deleted, the first is ${first.key}: ${first.message}`,
    suggestions: ['Give this identity the right to delete, and delete the session again.'],
  })
}
