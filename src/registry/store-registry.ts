import {hasCode, RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore, type PutMode} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import type {EntryKind, Link} from './registry.js'
import {markKey, markPrefix, recordKey, recordOfMark, recordPrefix} from './task-key.js'
import {decodeTaskRecord, encodeTaskRecord, taskDamaged, type TaskRecord} from './task-record.js'
import {TaskRegistry, type TaskRegistryContext} from './task-registry.js'
import type {StoredTask, TaskTable} from './task-table.js'

const MAX_RECORD_BYTES = 256 * 1024

export interface StoreRegistryContext extends TaskRegistryContext {
  /** The part of the store that the sessions lie in: placeholders resolved, prefix taken off. */
  readonly store: ObjectStore
}

/** The registry in the store itself. */
export class StoreRegistry extends TaskRegistry<string> {
  constructor(context: StoreRegistryContext) {
    super(new StoreTaskTable(context.store), context)
  }
}

/** A record is one object, and its version an ETag. */
class StoreTaskTable implements TaskTable<string> {
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async read(kind: EntryKind, id: string): Promise<StoredTask<string> | undefined> {
    const key = recordKey(kind, id)
    const object = await readObject(this.#store, key, {limit: MAX_RECORD_BYTES})
    if (!object) return undefined
    const record = decodeTaskRecord(object.bytes)
    if (!record) throw taskDamaged(key)
    if (record.kind !== kind || record.id !== id) throw collision(key, record)
    return {record, version: object.etag}
  }

  async write(record: TaskRecord, replaces: string | undefined): Promise<boolean> {
    const mode: PutMode = replaces === undefined ? CREATE : {type: 'update', etag: replaces}
    const key = recordKey(record.kind, record.id)
    try {
      await this.#store.put(key, encodeTaskRecord(record), {mode, contentType: 'application/json'})
      return true
    } catch (error) {
      if (hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED', 'STORE_CONFLICT')) return false
      throw error
    }
  }

  async mark({sessionId, kind, id}: Link): Promise<void> {
    const key = markKey(sessionId, kind, id)
    const options = {mode: CREATE, contentType: 'text/plain'}
    await this.#store.put(key, new Uint8Array(0), options).catch((error: unknown) => {
      if (!hasCode(error, 'OBJECT_EXISTS', 'STORE_CONFLICT')) throw error
    })
  }

  async holding(sessionId: string): Promise<readonly TaskRecord[]> {
    const marks = await listAll(this.#store, {prefix: markPrefix(sessionId)})
    const records: TaskRecord[] = []
    for (const {key} of marks.objects) {
      const at = recordOfMark(key, sessionId)
      const record = at === undefined ? undefined : await this.#recordAt(at)
      if (record) records.push(record)
    }
    return records
  }

  async *list(): AsyncIterable<TaskRecord> {
    for (const kind of ['task', 'name'] as const) {
      const {objects} = await listAll(this.#store, {prefix: recordPrefix(kind)})
      for (const {key} of objects) {
        const record = await this.#recordAt(key)
        if (record) yield record
      }
    }
  }

  /** For listings: what cannot be read there has nobody asking for it by name. */
  async #recordAt(key: string): Promise<TaskRecord | undefined> {
    const object = await readObject(this.#store, key, {limit: MAX_RECORD_BYTES}).catch((error: unknown) => {
      if (hasCode(error, 'OBJECT_TOO_LARGE')) return undefined
      throw error
    })
    const record = object && decodeTaskRecord(object.bytes)
    return record && isAt(record, key) ? record : undefined
  }
}

function isAt(record: TaskRecord, key: string): boolean {
  try {
    return recordKey(record.kind, record.id) === key
  } catch {
    return false
  }
}

/** Two ids of which one was cut: nobody meets this by chance. */
function collision(key: string, record: TaskRecord): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'REGISTRY_COLLISION',
    message: `${key} is the record of ${record.kind} ${JSON.stringify(record.id.slice(0, 200))}.`,
    suggestions: ['Use another id.', 'reprise doctor'],
    details: {key},
  })
}
