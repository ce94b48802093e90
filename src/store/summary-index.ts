import pMap from 'p-map'
import {isShallow} from '../base/shallow.js'
import {hasCode} from '../base/errors.js'
import {sha256Hex} from '../base/hash.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore, type ObjectSummary} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {INDEX_PREFIX} from './names.js'
import {parseSummary, type SessionSummary} from './summary-record.js'

/** A summary, and the etag of the object that it stands in: as long as a listing shows that etag, it need not be read. */
export interface IndexedSummary {
  readonly etag: string
  readonly summary: SessionSummary
}

const ENTRIES_PER_OBJECT = 2_000
const MAX_OBJECT_BYTES = 16 * 1024 * 1024
/** More than are read by anybody. */
const MAX_OBJECTS = 200
/** An object is worth its request for so many. */
const WANTED_PER_OBJECT = 4
/** More are brought together by the next one that adds to them. */
const MANY_OBJECTS = 16
const READS_AT_ONCE = 8
const DEEPEST = 40

/**
 * What is indexed of a session, for each etag that it had when somebody indexed it. Derived, maybe behind, and never an error: what
 * is not found here is read where it stands.
 */
export class SummaryIndex {
  readonly #entries = new Map<string, SessionSummary>()

  find(sessionId: string, etag: string): SessionSummary | undefined {
    return this.#entries.get(`${sessionId} ${etag}`)
  }

  add(etag: string, summary: SessionSummary): void {
    this.#entries.set(`${summary.sessionId} ${etag}`, summary)
  }
}

/** @param wanted how many summaries are asked for: no more objects are read than that is worth. */
export async function readIndex(store: ObjectStore, wanted: number): Promise<SummaryIndex> {
  const index = new SummaryIndex()
  const {objects} = await listAll(store, {prefix: INDEX_PREFIX})
  const newest = objects.slice(-Math.min(MAX_OBJECTS, Math.ceil(wanted / WANTED_PER_OBJECT)))
  for (const entries of await pMap(newest, async (each) => readEntries(store, each), {concurrency: READS_AT_ONCE}))
    for (const {etag, summary} of entries) index.add(etag, summary)
  return index
}

/** Indexes what was just written, for those who list many. Two requests; now and then it brings together what has become many objects. */
export async function addToIndex(store: ObjectStore, now: number, entries: readonly IndexedSummary[]): Promise<void> {
  const {objects} = await listAll(store, {prefix: INDEX_PREFIX})
  const together = objects.length >= MANY_OBJECTS
  const known = new Map<string, IndexedSummary>()
  if (together) {
    for (const object of objects.slice(-MAX_OBJECTS))
      for (const entry of await readEntries(store, object)) known.set(entry.summary.sessionId, entry)
  }
  for (const entry of entries) known.set(entry.summary.sessionId, entry)
  const all = [...known.values()]
  const written = new Set<string>()
  for (let at = 0; at < all.length; at += ENTRIES_PER_OBJECT)
    written.add(await writeEntries(store, now, all.slice(at, at + ENTRIES_PER_OBJECT)))
  const needless = together ? objects.map(({key}) => key).filter((key) => !written.has(key)) : []
  if (needless.length > 0) await store.delete(needless)
}

async function writeEntries(store: ObjectStore, now: number, entries: readonly IndexedSummary[]): Promise<string> {
  const body = Buffer.from(`${JSON.stringify({version: 1, summaries: entries})}\n`)
  const key = `${INDEX_PREFIX}${String(now).padStart(13, '0')}-${sha256Hex(body).slice(0, 16)}.json`
  await store.put(key, body, {mode: CREATE, contentType: 'application/json'}).catch((error: unknown) => {
    // The same bytes by the same name.
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
  })
  return key
}

async function readEntries(store: ObjectStore, {key, size}: ObjectSummary): Promise<readonly IndexedSummary[]> {
  if (size > MAX_OBJECT_BYTES) return []
  const object = await readObject(store, key, {limit: MAX_OBJECT_BYTES}).catch(() => undefined)
  if (!object) return []
  try {
    const content: unknown = JSON.parse(Buffer.from(object.bytes).toString())
    return isShallow(content, DEEPEST) ? entriesOf(content) : []
  } catch {
    return []
  }
}

function entriesOf(content: unknown): readonly IndexedSummary[] {
  const {version, summaries} = (content ?? {}) as {readonly version?: unknown; readonly summaries?: unknown}
  if (version !== 1 || !Array.isArray(summaries)) return []
  return summaries.flatMap((entry: unknown) => {
    const {etag, summary: value} = (entry ?? {}) as {readonly etag?: unknown; readonly summary?: unknown}
    const summary = parseSummary(value)
    return typeof etag === 'string' && summary ? [{etag, summary}] : []
  })
}
