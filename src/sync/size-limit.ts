import {listAll} from '../object-store/list-all.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import {FILES_PREFIX, filesPrefix} from '../store/names.js'
import {isMetadataPart} from '../store/part.js'
import type {PartListing, Parts, SessionListing} from '../store/parts.js'
import {checkSize, listedSize} from '../store/size-limit.js'
import type {SyncContext} from './context.js'

type LimitContext = Pick<SyncContext, 'parts' | 'maxBytes'>

/**
 * Refuses a session that is larger than is let in, before anything of it is brought here: by what is listed of it, and by what its
 * archive claims to unpack to. More than that is never taken of a part.
 *
 * @param files that come with it.
 * @throws SESSION_TOO_LARGE
 */
export async function refuseTooLarge(
  {parts, maxBytes}: LimitContext,
  {ref, transcripts}: SessionListing,
  files: readonly ObjectSummary[] = [],
): Promise<void> {
  if (maxBytes === undefined) return
  let bytes = files.reduce((sum, {size}) => sum + size, 0)
  for (const listing of transcripts) bytes += listedSize(listing)
  checkSize(ref.sessionId, bytes, maxBytes)
  for (const listing of transcripts) bytes += await archivedSize(parts, listing)
  checkSize(ref.sessionId, bytes, maxBytes)
}

/** Of an archived transcript an empty part is left. */
async function archivedSize(parts: Parts, {ref, parts: listed}: PartListing): Promise<number> {
  if (!listed.some((part) => part.size === 0 && !isMetadataPart(part))) return 0
  const names = new Set(listed.map(({name}) => name))
  const archived = (await parts.listArchive(ref)).filter(({name}) => !names.has(name))
  return archived.reduce((sum, {size}) => sum + size, 0)
}

/** What a session refers to beside its transcripts. */
export async function listFiles(
  {store}: Pick<SyncContext, 'store'>,
  sessionId: string,
): Promise<readonly ObjectSummary[]> {
  return (await listAll(store, {prefix: filesPrefix(sessionId)})).objects
}

/** The same of all sessions, from one listing. */
export async function listAllFiles({
  store,
}: Pick<SyncContext, 'store'>): Promise<ReadonlyMap<string, readonly ObjectSummary[]>> {
  const bySession = new Map<string, ObjectSummary[]>()
  for (const object of (await listAll(store, {prefix: FILES_PREFIX})).objects) {
    const sessionId = object.key.slice(FILES_PREFIX.length).split('/', 1)[0] ?? ''
    const others = bySession.get(sessionId)
    if (others) others.push(object)
    else bySession.set(sessionId, [object])
  }
  return bySession
}
