import pMap from 'p-map'
import {hasCode} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore, type PutMode} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {LEASE_PREFIX, leaseKeyOf} from '../store/names.js'
import {leaseDamaged} from './lease-errors.js'
import {decodeLeaseRecord, encodeLeaseRecord, type LeaseRecord} from './lease-record.js'
import type {LeaseAnswer, LeaseTable, ListedLease, StoredLease} from './lease-table.js'

const MAX_RECORD_BYTES = 64 * 1024
const READS_AT_ONCE = 16

/** Lease records as objects of the store that holds the parts: a version is an ETag. */
export class StoreLeaseTable implements LeaseTable {
  readonly place: string = 'store'
  readonly sharesClockWithParts: boolean = true
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async read(sessionId: string): Promise<StoredLease | undefined> {
    const key = leaseKeyOf(sessionId)
    const object = await readObject(this.#store, key, {limit: MAX_RECORD_BYTES})
    if (!object) return undefined
    const record = decodeLeaseRecord(object.bytes)
    if (!record) throw leaseDamaged(key)
    return {record, version: object.etag, date: object.date}
  }

  async write(sessionId: string, record: LeaseRecord, replaces: string | undefined): Promise<LeaseAnswer | undefined> {
    const mode: PutMode = replaces === undefined ? CREATE : {type: 'update', etag: replaces}
    const body = encodeLeaseRecord(record)
    try {
      const {etag, date} = await this.#store.put(leaseKeyOf(sessionId), body, {mode, contentType: 'application/json'})
      return {version: etag, date}
    } catch (error) {
      if (hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED', 'STORE_CONFLICT')) return undefined
      throw error
    }
  }

  async date(sessionId: string): Promise<number> {
    return (await listAll(this.#store, {prefix: leaseKeyOf(sessionId)})).date
  }

  /** All of them: one listing, whatever the number of sessions. */
  async versions(): Promise<ReadonlyMap<string, string>> {
    const {objects} = await listAll(this.#store, {prefix: LEASE_PREFIX})
    return new Map(
      objects.flatMap(({key, etag}) => {
        const sessionId = sessionOf(key)
        return sessionId === undefined ? [] : [[sessionId, etag]]
      }),
    )
  }

  async *list(): AsyncIterable<ListedLease> {
    const {objects} = await listAll(this.#store, {prefix: LEASE_PREFIX})
    const sessionIds = objects.flatMap(({key}) => sessionOf(key) ?? [])
    const found = await pMap(sessionIds, async (sessionId) => ({sessionId, lease: await this.#readable(sessionId)}), {
      concurrency: READS_AT_ONCE,
    })
    for (const {sessionId, lease} of found) if (lease) yield {sessionId, ...lease}
  }

  async #readable(sessionId: string): Promise<StoredLease | undefined> {
    return this.read(sessionId).catch((error: unknown) => {
      if (hasCode(error, 'LEASE_DAMAGED', 'OBJECT_TOO_LARGE')) return undefined
      throw error
    })
  }
}

function sessionOf(key: string): string | undefined {
  const name = key.slice(LEASE_PREFIX.length)
  return name.endsWith('.json') ? name.slice(0, -'.json'.length) : undefined
}
