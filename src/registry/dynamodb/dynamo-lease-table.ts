import {sha256Hex} from '../../base/hash.js'
import {leaseDamaged} from '../lease-errors.js'
import {checkLeaseRecord, type LeaseRecord} from '../lease-record.js'
import type {LeaseAnswer, LeaseTable, ListedLease, StoredLease} from '../lease-table.js'
import {fromAttribute, type Item, numberOf, textOf} from './attributes.js'
import type {DynamoTable} from './dynamo-table.js'
import {leaseKey, SESSION, sessionOfLeaseKey} from './keys.js'
import {attributeOf, FORMAT, KIND, REVISION, VERSION} from './own-attributes.js'

const MEMBERS = ['owner', 'hold', 'epoch', 'acquired', 'expiry', 'released', 'cutOff', 'orphanUntil'] as const

const ATTRIBUTES = [VERSION, REVISION, ...MEMBERS.map(attributeOf)]

/** Lease records as items. They never get a `ttl`, whatever other items get: an epoch that is forgotten would come again. */
export class DynamoLeaseTable implements LeaseTable {
  readonly sharesClockWithParts = false
  readonly #table: DynamoTable

  constructor(table: DynamoTable) {
    this.#table = table
  }

  get place(): string {
    return this.#table.place
  }

  async read(sessionId: string): Promise<StoredLease | undefined> {
    const key = leaseKey(sessionId)
    const {item, date} = await this.#table.get(key, ATTRIBUTES)
    const version = item && textOf(item, REVISION)
    if (!item || version === undefined) return undefined
    const record = recordIn(item)
    if (!record) throw leaseDamaged(`${key} in ${this.place}`)
    return {record, version, date}
  }

  async write(sessionId: string, record: LeaseRecord, replaces: string | undefined): Promise<LeaseAnswer | undefined> {
    const version = sha256Hex(JSON.stringify(record)).slice(0, 32)
    const members = MEMBERS.map((member) => [attributeOf(member), record[member]] as const)
    const written = await this.#table.update(leaseKey(sessionId), {
      set: {
        [SESSION]: sessionId,
        [KIND]: 'lease',
        [VERSION]: FORMAT,
        [REVISION]: version,
        ...Object.fromEntries(members),
      },
      expect: {[REVISION]: replaces},
    })
    return written && {version, date: written.date}
  }

  async date(sessionId: string): Promise<number> {
    return this.#table.date(leaseKey(sessionId))
  }

  async versions(sessionIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const items = await this.#table.getMany(sessionIds.map(leaseKey), [REVISION])
    return new Map(
      [...items].flatMap(([key, item]) => {
        const [sessionId, version] = [sessionOfLeaseKey(key), textOf(item, REVISION)]
        return sessionId === undefined || version === undefined ? [] : [[sessionId, version]]
      }),
    )
  }

  async *list(): AsyncIterable<ListedLease> {
    for await (const page of this.#table.keysOfSessions()) {
      const keys = page.filter((key) => sessionOfLeaseKey(key) !== undefined)
      if (keys.length === 0) continue
      const items = await this.#table.getMany(keys, ATTRIBUTES)
      const date = await this.#table.date(keys[0] ?? '')
      for (const [key, item] of items) {
        const [sessionId, record, version] = [sessionOfLeaseKey(key), recordIn(item), textOf(item, REVISION)]
        if (sessionId !== undefined && record && version !== undefined) yield {sessionId, record, version, date}
      }
    }
  }
}

function recordIn(item: Item): LeaseRecord | undefined {
  const members = MEMBERS.map((member) => [member, fromAttribute(item[attributeOf(member)])] as const)
  const given = members.filter(([, value]) => value !== undefined)
  return checkLeaseRecord({version: numberOf(item, VERSION), ...Object.fromEntries(given)})
}
