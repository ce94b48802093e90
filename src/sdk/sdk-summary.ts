import pMap from 'p-map'
import * as v from 'valibot'
import {isShallow} from '../base/shallow.js'
import {listAll} from '../object-store/list-all.js'
import {type ObjectStore, OVERWRITE} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {sdkSummaryPrefix, type SessionRef} from '../store/names.js'
import type {SummaryItem} from './types.js'

const MAX_BYTES = 256 * 1024
const DEEPEST = 100
const CONCURRENCY = 32

/**
 * The content of `.reprise/sdk/{projectKey}/{sessionId}.json`. It covers the parts that a listing shows when the last of them is named
 * for `mtime` and all have `bytes` together: a writer does not know of every other one, but none writes without a trace in these.
 */
const Schema = v.object({
  version: v.literal(1),
  sessionId: v.string(),
  mtime: v.pipe(v.number(), v.integer()),
  bytes: v.pipe(v.number(), v.integer()),
  data: v.record(v.string(), v.unknown()),
})

export interface StoredSummary extends SummaryItem {
  readonly bytes: number
}

export function sdkSummaryKey({homeKey, sessionId}: SessionRef): string {
  return `${sdkSummaryPrefix(homeKey)}${sessionId}.json`
}

export async function writeSdkSummary(
  store: ObjectStore,
  ref: SessionRef,
  {mtime, bytes, data}: StoredSummary,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify({version: 1, sessionId: ref.sessionId, mtime, bytes, data})}\n`)
  await store.put(sdkSummaryKey(ref), body, {mode: OVERWRITE, contentType: 'application/json'})
}

/** Those of a project that some session still has, by session id. One that cannot be read is left out: it is derived data. */
export async function readSdkSummaries(
  store: ObjectStore,
  homeKey: string,
  wanted: (sessionId: string) => boolean,
): Promise<StoredSummary[]> {
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

function decode(bytes: Uint8Array, sessionId: string): StoredSummary | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    const parsed = isShallow(value, DEEPEST) ? v.safeParse(Schema, value) : undefined
    if (!parsed?.success || parsed.output.sessionId !== sessionId) return undefined
    const {mtime, bytes: covered, data} = parsed.output
    return {sessionId, mtime, bytes: covered, data}
  } catch {
    return undefined
  }
}
