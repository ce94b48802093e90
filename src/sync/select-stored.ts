import pMap from 'p-map'
import type {Registry} from '../registry/registry.js'
import type {SessionListing} from '../store/parts.js'
import type {LocalSession} from '../transcript/discover.js'
import type {SyncContext} from './context.js'
import {resolveSession} from './select-sessions.js'

const LISTINGS_AT_ONCE = 8

export interface StoredSelection {
  /** As a person wrote them: tasks, names, ids, prefixes. Empty: those of `projectKey`, or all. */
  readonly named: readonly string[]
  /** Of the run's cwd. */
  readonly projectKey: string
  readonly all: boolean
}

/** A session of the store. */
export interface StoredSession {
  readonly sessionId: string
  /** Absent where a record must say under which of several project keys it lies. */
  readonly listing?: SessionListing
}

/**
 * The sessions of the store that are meant. Those of a cwd are the ones that were stored first from there, and the ones that lie
 * there on this machine.
 *
 * @throws what `resolveSession` throws.
 */
export async function selectStored(
  context: SyncContext,
  registry: Registry,
  here: readonly LocalSession[],
  {named, projectKey, all}: StoredSelection,
): Promise<readonly StoredSession[]> {
  if (named.length > 0) {
    const localIds = async () => here.map(({sessionId}) => sessionId)
    const ids = new Set<string>()
    const sources = {registry, localIds, stored: context, logger: context.logger}
    for (const text of named) ids.add(await resolveSession(text, sources))
    return [...ids].map((sessionId) => ({sessionId}))
  }
  return all ? allStored(context) : ofProject(context, here, projectKey)
}

async function allStored({homes, parts}: SyncContext): Promise<readonly StoredSession[]> {
  const keys = await homes.projectKeys()
  const listings = await pMap(keys, async (key) => [...(await parts.listProject(key)).values()], {
    concurrency: LISTINGS_AT_ONCE,
  })
  const sessions = new Map<string, StoredSession>()
  for (const listing of listings.flat()) {
    const {sessionId} = listing.ref
    sessions.set(sessionId, sessions.has(sessionId) ? {sessionId} : {sessionId, listing})
  }
  return [...sessions.values()]
}

async function ofProject(
  {parts, state}: SyncContext,
  here: readonly LocalSession[],
  projectKey: string,
): Promise<readonly StoredSession[]> {
  const stored = [...(await parts.listProject(projectKey)).keys()]
  const local = here.filter((each) => each.projectKey === projectKey).map(({sessionId}) => sessionId)
  // Stored under another home key: this machine has pushed or pulled them before.
  const known = await pMap(local, async (id) => ((await state.read(id)).homeKey === undefined ? undefined : id), {
    concurrency: 16,
  })
  const ids = new Set([...stored, ...known.filter((id) => id !== undefined)])
  return [...ids].map((sessionId) => ({sessionId}))
}
