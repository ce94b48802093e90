import pMap from 'p-map'
import {listAll} from '../object-store/list-all.js'
import type {ObjectStore, ObjectSummary} from '../object-store/object-store.js'
import {Homes} from '../store/home.js'
import {projectPrefix, type SessionRef, SUMMARY_PREFIX} from '../store/names.js'
import type {ListedPart} from '../store/part.js'
import type {Parts} from '../store/parts.js'
import type {SummaryIndex} from '../store/summary-index.js'
import type {SessionSummary} from '../store/summary-record.js'
import {isSessionId} from '../transcript/session-id.js'
import type {CachedSummary, SummaryCache} from './summary-cache.js'

const SUMMARIES_AT_ONCE = 64
/** Fewer are read one by one. */
const WORTH_AN_INDEX = 16

/** One row of a listing. What is not known is left out. Texts are as they were written: clean them before they are printed. */
export interface ListedSession {
  readonly sessionId: string
  readonly projectKey: string
  readonly agent: string
  readonly task?: string
  readonly name?: string
  readonly title?: string
  readonly firstPrompt?: string
  readonly cwd?: string
  readonly machine?: string
  readonly entries?: number
  readonly messages?: number
  /** Of the main transcript. */
  readonly bytes?: number
  readonly parts?: number
  /** ISO 8601 in UTC. */
  readonly createdAt?: string
  readonly updatedAt?: string
  /** The store's URL; absent for what is listed from this machine. */
  readonly store?: string
  /**
   * `store`: reprise's layout, or that of the Agent SDK's reference adapters; `local`: a directory of this machine; the others are
   * layouts of other programs.
   */
  readonly source: 'store' | 'local' | 'raw' | 'claude-dir'
  /** Whose it is, where a layout keeps people's sessions apart. */
  readonly user?: string
  /** Names the session where an id does not: of layouts of other programs. */
  readonly uri?: string
  /** The main transcript on this machine. */
  readonly path?: string
}

/**
 * The sessions of a store, from their summaries; those of other writers, which have none, from the names and sizes of their parts.
 * Where a session lies under several project keys each is a row.
 *
 * @param cache summaries read earlier are not read again as long as they have the same etag.
 */
export async function listStored(store: ObjectStore, cache: SummaryCache): Promise<readonly ListedSession[]> {
  const [{objects}, known, stored] = await Promise.all([
    listAll(store, {prefix: SUMMARY_PREFIX}),
    cache.read(),
    storedIds(store),
  ])
  const summaries = await readSummaries(store, objects, known, cache)
  const summarized: ListedSession[] = []
  const others = new Map<string, string[]>()
  for (const {homeKey, sessionId} of stored) {
    const summary = summaries.get(sessionId)?.summary
    if (summary?.homeKey === homeKey) summarized.push(rowOf(summary, store.url))
    else others.set(homeKey, [...(others.get(homeKey) ?? []), sessionId])
  }
  return [...summarized, ...(await rowsFromParts(store, others))]
}

/** Which sessions have a part under which project key. */
async function storedIds(store: ObjectStore): Promise<readonly SessionRef[]> {
  const keys = await new Homes(store).projectKeys()
  const found = await pMap(
    keys,
    async (homeKey) => {
      const prefix = projectPrefix(homeKey)
      const {prefixes} = await listAll(store, {prefix, delimiter: '/'})
      const ids = prefixes.map((each) => each.slice(prefix.length, -1))
      return ids.filter(isSessionId).map((sessionId) => ({homeKey, sessionId}))
    },
    {concurrency: 16},
  )
  return found.flat()
}

async function readSummaries(
  store: ObjectStore,
  objects: readonly ObjectSummary[],
  known: ReadonlyMap<string, CachedSummary>,
  cache: SummaryCache,
): Promise<ReadonlyMap<string, CachedSummary>> {
  const found = new Map<string, CachedSummary>()
  const missing: {readonly sessionId: string; readonly etag: string}[] = []
  for (const {key, etag} of objects) {
    const sessionId = key.slice(SUMMARY_PREFIX.length).replace(/\.json$/, '')
    const cached = known.get(sessionId)
    if (cached?.etag === etag) found.set(sessionId, cached)
    else if (isSessionId(sessionId)) missing.push({sessionId, etag})
  }
  if (missing.length === 0 && found.size === known.size) return found
  // What reads and checks a summary is loaded when there is one to be read.
  const {readSummary} = await import('../store/summary-record.js')
  const index = missing.length < WORTH_AN_INDEX ? undefined : await indexOf(store, missing.length)
  await pMap(
    missing,
    async ({sessionId, etag}) => {
      const summary = index?.find(sessionId, etag) ?? (await readSummary(store, sessionId))
      if (summary) found.set(sessionId, {etag, summary})
    },
    {concurrency: SUMMARIES_AT_ONCE},
  )
  await cache.write(found)
  return found
}

async function indexOf(store: ObjectStore, wanted: number): Promise<SummaryIndex> {
  const {readIndex} = await import('../store/summary-index.js')
  return readIndex(store, wanted)
}

function rowOf(summary: SessionSummary, store: string): ListedSession {
  const {sessionId, homeKey, agent, title, name, task, firstPrompt, entries, messages} = summary
  const {bytes, parts, cwd, machine, createdAt, updatedAt} = summary
  return {
    sessionId,
    projectKey: homeKey,
    agent,
    ...given({task, name, title, firstPrompt, cwd, machine, entries, messages, bytes, parts, createdAt, updatedAt}),
    store,
    source: 'store',
  }
}

/** Other writers' parts do not say how many entries they hold, and their clocks are theirs: the store's dates are told. */
async function rowsFromParts(
  store: ObjectStore,
  byHome: ReadonlyMap<string, readonly string[]>,
): Promise<readonly ListedSession[]> {
  if (byHome.size === 0) return []
  const {Parts} = await import('../store/parts.js')
  const parts = new Parts(store)
  const listings = await pMap(
    byHome,
    async ([homeKey, sessionIds]) => {
      const [only, ...more] = sessionIds
      if (only !== undefined && more.length === 0) return [await parts.listSession({homeKey, sessionId: only})]
      const found = await parts.listProject(homeKey)
      return sessionIds.flatMap((sessionId) => found.get(sessionId) ?? [])
    },
    {concurrency: 8},
  )
  return pMap(
    listings.flat(),
    async ({ref, transcripts}): Promise<ListedSession> => {
      const main = transcripts.find((each) => each.ref.subpath === undefined)?.parts ?? []
      const times = transcripts.flatMap((each) => each.parts.map(({modified}) => modified)).toSorted((a, b) => a - b)
      return {
        sessionId: ref.sessionId,
        projectKey: ref.homeKey,
        agent: 'claude',
        bytes: await transcriptSize(parts, main),
        parts: main.length,
        ...given({createdAt: isoTime(times.at(0)), updatedAt: isoTime(times.at(-1))}),
        store: store.url,
        source: 'store',
      }
    },
    {concurrency: 16},
  )
}

/** Of an archived transcript an empty part is left, which tells where it ends. */
async function transcriptSize(parts: Parts, main: readonly ListedPart[]): Promise<number> {
  const size = main.reduce((sum, part) => sum + part.size, 0)
  if (size > 0) return size
  // A listing is not held up by what one session says of itself.
  const described = await parts.describe(main).catch(() => [])
  return described.reduce((end, part) => ('range' in part ? Math.max(end, part.range.to) : end), 0)
}

export function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

/** Without the members that are not known. */
export function given<T extends object>(fields: T): {[Key in keyof T]?: Exclude<T[Key], undefined>} {
  const known: Partial<Record<keyof T, unknown>> = {}
  for (const key in fields) if (fields[key] !== undefined) known[key] = fields[key]
  return known as {[Key in keyof T]?: Exclude<T[Key], undefined>}
}
