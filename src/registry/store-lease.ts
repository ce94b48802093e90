import type {Clock, Random} from '../base/clock.js'
import {hasCode, RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore, type PutMode} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import type {Lease} from '../store/lease.js'
import {leaseKeyOf} from '../store/names.js'
import {decodeLeaseRecord, encodeLeaseRecord, isFree, type LeaseOwner, type LeaseRecord} from './lease-record.js'

export const LEASE_LIFE_MS = 60_000
export const LEASE_MARGIN_MS = 5_000
/** Listed epochs further above an existing record were not written by its holders. */
const MAX_EPOCH_JUMP = 1_000
const MAX_RECORD_BYTES = 64 * 1024
const MAX_TRIES = 10

export interface LeaseContext {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly owner: LeaseOwner
  /** Whether the process of a record is known not to run any more. Default: never known. */
  readonly isDead?: (owner: LeaseOwner) => boolean
}

export interface AcquireOptions {
  /** Take it over although another holds it. */
  readonly force?: boolean
}

/** A lease record as the store has it. */
export interface StoredLease {
  readonly record: LeaseRecord
  readonly etag: string
  /** The store's clock when it answered. */
  readonly date: number
}

/** @returns undefined when the session has no lease record. @throws LEASE_DAMAGED */
export async function readLease(store: ObjectStore, sessionId: string): Promise<StoredLease | undefined> {
  const key = leaseKeyOf(sessionId)
  const object = await readObject(store, key, {limit: MAX_RECORD_BYTES})
  if (!object) return undefined
  const record = decodeLeaseRecord(object.bytes)
  if (!record) throw damaged(key)
  return {record, etag: object.etag, date: object.date}
}

/**
 * The lease of a session, as one object of the store: created, renewed, taken over and released by conditional writes. Only the
 * store's clock takes part: a holder that slept learns from the next answer that it is late.
 */
export class StoreLease implements Lease {
  readonly created: boolean
  readonly #context: LeaseContext
  readonly #sessionId: string
  #record: LeaseRecord
  #etag: string
  /** The store's clock at its last answer to this holder. */
  #date: number
  #queue: Promise<unknown> = Promise.resolve()
  #lost = false
  /** A release may have landed: dates no longer tell whether this is the holder. */
  #releasing = false

  private constructor(context: LeaseContext, sessionId: string, held: StoredLease, created: boolean) {
    this.#context = context
    this.#sessionId = sessionId
    this.#record = held.record
    this.#etag = held.etag
    this.#date = held.date
    this.created = created
  }

  get epoch(): number {
    return this.#record.epoch
  }

  get cutOff(): number {
    return this.#record.cutOff
  }

  get date(): number {
    return this.#date
  }

  /** The store's time at which the lease ends unless it is renewed. */
  get expiry(): number {
    return this.#record.expiry
  }

  /**
   * @throws LEASE_HELD by another, whose process is not known to be dead.
   */
  static async acquire(
    context: LeaseContext,
    sessionId: string,
    {force = false}: AcquireOptions = {},
  ): Promise<StoreLease> {
    const hold = Buffer.from(context.random.bytes(12)).toString('hex')
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = await readLease(context.store, sessionId)
      if (found?.record.hold === hold) return fresh(new StoreLease(context, sessionId, found, found.record.epoch === 1))
      const date = found?.date ?? (await storeDate(context.store, sessionId))
      if (found && !isFree(found.record, date) && !force && context.isDead?.(found.record.owner) !== true) {
        throw leaseHeld(sessionId, found.record)
      }
      const record = takenOver(found?.record, context.owner, hold, date)
      const mode: PutMode = found ? {type: 'update', etag: found.etag} : CREATE
      const put = await putRecord(context.store, sessionId, record, mode)
      if (put) return fresh(new StoreLease(context, sessionId, {record, ...put}, !found))
    }
    throw contended(sessionId)

    async function fresh(lease: StoreLease): Promise<StoreLease> {
      if (lease.#isShort()) await lease.renew()
      await lease.#outliveOrphan()
      return lease
    }
  }

  async renew(): Promise<void> {
    await this.#write(() => ({}))
  }

  async raiseAbove(listed: number): Promise<void> {
    if (!this.created && listed > this.#record.epoch + MAX_EPOCH_JUMP)
      throw epochJump(this.#sessionId, listed, this.epoch)
    await this.#write((record) => ({epoch: Math.max(record.epoch, listed) + 1}))
  }

  async recover(listed: number): Promise<void> {
    await this.#write((record) => ({
      epoch: Math.max(record.epoch, listed) + 1,
      cutOff: Math.max(record.cutOff, listed),
      // Once is enough: whoever held the lost record has outlived its lease by then, for all transcripts of the session.
      ...(record.orphanUntil === undefined && {orphanUntil: this.#date + LEASE_LIFE_MS}),
    }))
    await this.#outliveOrphan()
  }

  /** Waits, holding the lease, until nobody can still believe in a record that got lost. */
  async #outliveOrphan(): Promise<void> {
    const until = this.#record.orphanUntil ?? 0
    while (this.#date < until) {
      await this.#context.clock.sleep(Math.min(LEASE_LIFE_MS / 4, until - this.#date))
      await this.renew()
    }
  }

  async confirm(date: number): Promise<void> {
    if (this.#lost || this.#releasing || date + LEASE_MARGIN_MS >= this.#record.expiry) await this.renew()
  }

  /** Gives the lease back. Only when every request of its holder was answered; else leave it to expire. Idempotent. */
  async release(): Promise<void> {
    if (this.#lost || this.#record.released) return
    this.#releasing = true
    await this.#write(() => ({released: true})).catch((error: unknown) => {
      if (!hasCode(error, 'LEASE_LOST')) throw error
    })
  }

  /** Conditional writes one after the other, each from what the last one left. */
  async #write(change: (record: LeaseRecord) => Partial<LeaseRecord>): Promise<void> {
    const before = this.#queue
    const run = (async () => {
      await before
      await this.#replace(change)
      if (this.#isShort()) await this.#replace(() => ({}))
    })()
    this.#queue = run.catch(() => undefined)
    await run
  }

  /** The expiry counts from the answer before the write; where that was long ago, another write is needed to be worth something. */
  #isShort(): boolean {
    return !this.#record.released && this.#date > this.#record.expiry - LEASE_LIFE_MS / 2
  }

  async #replace(change: (record: LeaseRecord) => Partial<LeaseRecord>): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (this.#lost) throw lost(this.#sessionId)
      const record = {...this.#record, expiry: this.#date + LEASE_LIFE_MS, ...change(this.#record)}
      const put = await putRecord(this.#context.store, this.#sessionId, record, {type: 'update', etag: this.#etag})
      if (put) {
        this.#record = record
        this.#etag = put.etag
        this.#date = put.date
        return
      }
      // Somebody else wrote, or an earlier try of this holder landed after all.
      const found = await readLease(this.#context.store, this.#sessionId)
      if (found?.record.hold !== this.#record.hold || found.record.released) {
        this.#lost = true
        throw lost(this.#sessionId)
      }
      // A late twin of an older write may have come back after the record was lost: what was promised since stays promised.
      const {epoch, cutOff} = this.#record
      this.#record = {
        ...found.record,
        epoch: Math.max(found.record.epoch, epoch),
        cutOff: Math.max(found.record.cutOff, cutOff),
      }
      this.#etag = found.etag
      this.#date = found.date
    }
    throw contended(this.#sessionId)
  }
}

/** @returns undefined when the condition did not hold: look what is there. */
async function putRecord(
  store: ObjectStore,
  sessionId: string,
  record: LeaseRecord,
  mode: PutMode,
): Promise<{etag: string; date: number} | undefined> {
  try {
    return await store.put(leaseKeyOf(sessionId), encodeLeaseRecord(record), {mode, contentType: 'application/json'})
  } catch (error) {
    if (hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED', 'STORE_CONFLICT')) return undefined
    throw error
  }
}

function takenOver(found: LeaseRecord | undefined, owner: LeaseOwner, hold: string, date: number): LeaseRecord {
  return {
    version: 1,
    owner,
    hold,
    epoch: (found?.epoch ?? 0) + 1,
    acquired: date,
    expiry: date + LEASE_LIFE_MS,
    released: false,
    cutOff: found ? (found.released ? found.cutOff : found.epoch) : 0,
    ...(found?.orphanUntil !== undefined && {orphanUntil: found.orphanUntil}),
  }
}

/** The store's clock, from a listing that costs little. */
async function storeDate(store: ObjectStore, sessionId: string): Promise<number> {
  return (await listAll(store, {prefix: leaseKeyOf(sessionId)})).date
}

export function leaseHeld(sessionId: string, {owner, expiry}: LeaseRecord): RepriseError {
  const until = new Date(expiry).toISOString()
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_HELD',
    message: `session ${sessionId} is held by process ${owner.pid} on ${owner.machine} until ${until}`,
    suggestions: [
      'Wait for it: --wait 2m',
      'Go on in a copy of the conversation: --fork',
      'Take it over now, when that process is known to be gone: --force',
    ],
    details: {sessionId, owner, expiry: until},
  })
}

function lost(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_LOST',
    message: `another worker has taken over session ${sessionId}`,
    suggestions: [
      'reprise status',
      'The local transcript is kept; reprise push --fork stores it as a session of its own.',
    ],
    details: {sessionId},
  })
}

function contended(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_CONTENDED',
    message: `the lease of session ${sessionId} changes faster than it can be read`,
    suggestions: ['Run the command again.'],
  })
}

function epochJump(sessionId: string, listed: number, epoch: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'EPOCH_JUMP',
    message: `session ${sessionId} has parts of epoch ${listed}, but its lease record is at ${epoch}: one of them is damaged or forged`,
    suggestions: ['reprise doctor'],
  })
}

function damaged(key: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'LEASE_DAMAGED',
    message: `${key} is not a lease record that this reprise can read`,
    suggestions: ['Update reprise on this machine.', 'reprise doctor'],
  })
}
