import type {Clock} from '../../base/clock.js'
import {sha256Hex} from '../../base/hash.js'
import type {EntryKind, Link} from '../registry.js'
import {taskDamaged, type TaskRecord} from '../task-record.js'
import type {StoredTask, TaskTable} from '../task-table.js'
import {fromAttribute, type Item, numberOf, textOf} from './attributes.js'
import type {DynamoTable} from './dynamo-table.js'
import {chainKey, entryKey, entryOfKey, SESSION} from './keys.js'
import {ENTRIES, FORMAT, KIND, OWN_TTL, REVISION, TTL, VERSION} from './own-attributes.js'
import {attributesOf, recordOf, TASK_ATTRIBUTES} from './task-item.js'
import type {Change} from './update-expression.js'

const DAY_SECONDS = 24 * 60 * 60
const ATTRIBUTES = [...TASK_ATTRIBUTES, REVISION, TTL, OWN_TTL]

export interface DynamoTaskTableOptions {
  readonly clock: Pick<Clock, 'now'>
  /** See `DynamoRegistryOptions`. */
  readonly ttlDays: number | undefined
}

/** How an item stood when it was read. */
export interface ItemVersion {
  /** Absent in items that only others have written to. */
  readonly revision: string | undefined
  /** Others may set it without a revision. */
  readonly sessionId: string | undefined
  readonly ttl: number | undefined
  readonly ownTtl: number | undefined
}

/** Tasks are the items that the table has for them, whoever made those; names stand beside them. */
export class DynamoTaskTable implements TaskTable<ItemVersion> {
  readonly #table: DynamoTable
  readonly #options: DynamoTaskTableOptions

  constructor(table: DynamoTable, options: DynamoTaskTableOptions) {
    this.#table = table
    this.#options = options
  }

  async read(kind: EntryKind, id: string): Promise<StoredTask<ItemVersion> | undefined> {
    const key = entryKey(kind, id)
    const {item} = await this.#table.get(key, ATTRIBUTES)
    const record = item && recordOf(item, kind, id)
    if (record === 'damaged') throw taskDamaged(`${JSON.stringify(key)} in ${this.#table.place}`)
    return item && record && {record, version: versionOf(item)}
  }

  async write(record: TaskRecord, replaces: ItemVersion | undefined): Promise<boolean> {
    const set = attributesOf(record)
    const revision = sha256Hex(JSON.stringify(set)).slice(0, 32)
    const ttl = this.#ttl(replaces)
    const written = await this.#table.update(entryKey(record.kind, record.id), {
      ...ttl,
      set: {...set, [REVISION]: revision, ...ttl.set},
      expect: {[REVISION]: replaces?.revision, [SESSION]: replaces?.sessionId, ...ttl.expect},
    })
    return written !== undefined
  }

  /** One item a session: found at once, while the index lags, and also when the chain has gone on. */
  async mark({sessionId, kind, id}: Link): Promise<void> {
    await this.#table.update(chainKey(sessionId), {
      set: {[KIND]: 'chain', [VERSION]: FORMAT},
      add: {[ENTRIES]: [entryKey(kind, id)]},
    })
  }

  /** By marks what we wrote ourselves, by the index what others did. */
  async holding(sessionId: string): Promise<readonly TaskRecord[]> {
    const [{item}, indexed] = await Promise.all([
      this.#table.get(chainKey(sessionId), [ENTRIES]),
      this.#table.keysOfSession(sessionId),
    ])
    const marked = item && fromAttribute(item[ENTRIES])
    return this.#records([...(Array.isArray(marked) ? marked.map(String) : []), ...indexed])
  }

  async *list(): AsyncIterable<TaskRecord> {
    for await (const keys of this.#table.keysOfSessions()) yield* await this.#records(keys)
  }

  async #records(keys: readonly string[]): Promise<readonly TaskRecord[]> {
    const entries = [...new Set(keys)].filter((key) => entryOfKey(key) !== undefined)
    const items = await this.#table.getMany(entries, ATTRIBUTES)
    return [...items].flatMap(([key, item]) => {
      const entry = entryOfKey(key)
      const record = entry && recordOf(item, entry.kind, entry.id)
      return record && record !== 'damaged' ? [record] : []
    })
  }

  /** An end that somebody else has set for an item stays; one of ours moves on with each change. */
  #ttl(replaces: ItemVersion | undefined): Change {
    const {clock, ttlDays} = this.#options
    if (ttlDays === undefined) return {set: {}}
    const ttl = Math.floor(clock.now() / 1000) + ttlDays * DAY_SECONDS
    if (replaces?.ttl === undefined) return {set: {[OWN_TTL]: ttl}, setIfAbsent: {[TTL]: ttl}}
    if (replaces.ttl !== replaces.ownTtl) return {set: {}}
    return {set: {[TTL]: ttl, [OWN_TTL]: ttl}, expect: {[TTL]: replaces.ttl}}
  }
}

function versionOf(item: Item): ItemVersion {
  return {
    revision: textOf(item, REVISION),
    sessionId: textOf(item, SESSION),
    ttl: numberOf(item, TTL),
    ownTtl: numberOf(item, OWN_TTL),
  }
}
