import pMap from 'p-map'
import * as v from 'valibot'
import {hasCode} from '../base/errors.js'
import {isShallow} from '../base/shallow.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {sdkSummaryPrefix, type SessionRef} from '../store/names.js'
import type {SummaryItem} from './types.js'

const MAX_BYTES = 256 * 1024
const DEEPEST = 100
const CONCURRENCY = 32

/**
 * The content of `.reprise/sdk/{projectKey}/{sessionId}.json`. `mtime` is the `ms` of the last part that it covers; a session that
 * has a later one has an outdated summary.
 */
const Schema = v.object({
  version: v.literal(1),
  sessionId: v.string(),
  mtime: v.pipe(v.number(), v.integer()),
  data: v.record(v.string(), v.unknown()),
})

export function sdkSummaryKey({homeKey, sessionId}: SessionRef): string {
  return `${sdkSummaryPrefix(homeKey)}${sessionId}.json`
}

/**
 * @param etag of the one that is to be replaced; undefined: there is none.
 * @returns the new etag; undefined when somebody else writes it too.
 */
export async function writeSdkSummary(
  store: ObjectStore,
  ref: SessionRef,
  {mtime, data}: SummaryItem,
  etag: string | undefined,
): Promise<string | undefined> {
  const body = Buffer.from(`${JSON.stringify({version: 1, sessionId: ref.sessionId, mtime, data})}\n`)
  const mode = etag === undefined ? CREATE : ({type: 'update', etag} as const)
  try {
    return (await store.put(sdkSummaryKey(ref), body, {mode, contentType: 'application/json'})).etag
  } catch (error) {
    if (hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED', 'STORE_CONFLICT')) return undefined
    throw error
  }
}

/** Those of a project that some session still has, by session id. One that cannot be read is left out: it is derived data. */
export async function readSdkSummaries(
  store: ObjectStore,
  homeKey: string,
  wanted: (sessionId: string) => boolean,
): Promise<SummaryItem[]> {
  const prefix = sdkSummaryPrefix(homeKey)
  const {objects} = await listAll(store, {prefix})
  const ids = objects.flatMap(({key}) => (key.endsWith('.json') ? [key.slice(prefix.length, -'.json'.length)] : []))
  const found = await pMap(
    ids.filter(wanted),
    async (sessionId) => {
      const key = sdkSummaryKey({homeKey, sessionId})
      const object = await readObject(store, key, {limit: MAX_BYTES}).catch(() => undefined)
      return object && decode(object.bytes, sessionId)
    },
    {concurrency: CONCURRENCY},
  )
  return found.filter((each) => each !== undefined)
}

function decode(bytes: Uint8Array, sessionId: string): SummaryItem | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    const parsed = isShallow(value, DEEPEST) ? v.safeParse(Schema, value) : undefined
    if (!parsed?.success || parsed.output.sessionId !== sessionId) return undefined
    const {mtime, data} = parsed.output
    return {sessionId, mtime, data}
  } catch {
    return undefined
  }
}
