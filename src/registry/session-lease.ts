import type {Clock, Random} from '../base/clock.js'
import {hasCode} from '../base/errors.js'
import type {Lease} from '../store/lease.js'
import {epochJump, leaseContended, leaseHeld, leaseLost} from './lease-errors.js'
import {isFree, type LeaseOwner, type LeaseRecord} from './lease-record.js'
import type {LeaseTable, StoredLease} from './lease-table.js'

export const LEASE_LIFE_MS = 60_000
export const LEASE_MARGIN_MS = 5_000
/** Listed epochs further above an existing record were not written by its holders. */
const MAX_EPOCH_JUMP = 1_000
const MAX_TRIES = 10

export interface LeaseContext {
  readonly table: LeaseTable
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

/**
 * The lease of a session in the hands of its holder: created, renewed, taken over and released by conditional writes to a lease
 * table. Only the table's clock takes part: a holder that slept learns from the next answer that it is late.
 */
export class SessionLease implements Lease {
  readonly created: boolean
  readonly #context: LeaseContext
  readonly #sessionId: string
  #record: LeaseRecord
  #version: string
  /** The table's clock at its last answer to this holder. */
  #date: number
  #queue: Promise<unknown> = Promise.resolve()
  /** A renewal that was asked for and is not sent yet. */
  #coming: Promise<void> | undefined
  #lost = false
  /** A release may have landed: dates no longer tell whether this is the holder. */
  #releasing = false

  private constructor(context: LeaseContext, sessionId: string, held: StoredLease, created: boolean) {
    this.#context = context
    this.#sessionId = sessionId
    this.#record = held.record
    this.#version = held.version
    this.#date = held.date
    this.created = created
  }

  get epoch(): number {
    return this.#record.epoch
  }

  get cutOff(): number {
    return this.#record.cutOff
  }

  get date(): number | undefined {
    return this.#context.table.sharesClockWithParts ? this.#date : undefined
  }

  /** The table's time at which the lease ends unless it is renewed. */
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
  ): Promise<SessionLease> {
    const {table} = context
    const hold = Buffer.from(context.random.bytes(12)).toString('hex')
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = await table.read(sessionId)
      if (found?.record.hold === hold)
        return fresh(new SessionLease(context, sessionId, found, found.record.epoch === 1))
      const date = found?.date ?? (await table.date(sessionId))
      if (found && !isFree(found.record, date) && !force && context.isDead?.(found.record.owner) !== true) {
        throw leaseHeld(sessionId, found.record)
      }
      const record = takenOver(found?.record, context.owner, hold, date)
      const written = await table.write(sessionId, record, found?.version)
      if (written) return fresh(new SessionLease(context, sessionId, {record, ...written}, !found))
    }
    throw leaseContended(sessionId)

    async function fresh(lease: SessionLease): Promise<SessionLease> {
      if (lease.#isShort()) await lease.renew()
      await lease.#outliveOrphan()
      return lease
    }
  }

  /** One that waits for its turn serves all who ask for it until it is sent. */
  async renew(): Promise<void> {
    this.#coming ??= this.#inTurn(async () => {
      this.#coming = undefined
      await this.#write(() => ({}))
    })
    return this.#coming
  }

  async raiseAbove(listed: number): Promise<void> {
    if (!this.created && listed > this.#record.epoch + MAX_EPOCH_JUMP)
      throw epochJump(this.#sessionId, listed, this.epoch)
    await this.#inTurn(async () => this.#write((record) => ({epoch: Math.max(record.epoch, listed) + 1})))
  }

  async recover(listed: number): Promise<void> {
    await this.#inTurn(async () =>
      this.#write((record) => ({
        epoch: Math.max(record.epoch, listed) + 1,
        cutOff: Math.max(record.cutOff, listed),
        // Once is enough: whoever held the lost record has outlived its lease by then, for all transcripts of the session.
        ...(record.orphanUntil === undefined && {orphanUntil: this.#date + LEASE_LIFE_MS}),
      })),
    )
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
    const isInTime = this.#context.table.sharesClockWithParts && date + LEASE_MARGIN_MS < this.#record.expiry
    if (this.#lost || this.#releasing || !isInTime) await this.renew()
  }

  /** Gives the lease back. Only when every request of its holder was answered; else leave it to expire. Idempotent. */
  async release(): Promise<void> {
    if (this.#lost || this.#record.released) return
    this.#releasing = true
    await this.#inTurn(async () => this.#write(() => ({released: true}))).catch((error: unknown) => {
      if (!hasCode(error, 'LEASE_LOST')) throw error
    })
  }

  /** Writes go one after the other, each from what the last one left. */
  async #inTurn(write: () => Promise<void>): Promise<void> {
    const before = this.#queue
    const run = (async () => {
      await before
      await write()
    })()
    this.#queue = run.catch(() => undefined)
    await run
  }

  async #write(change: (record: LeaseRecord) => Partial<LeaseRecord>): Promise<void> {
    await this.#replace(change)
    if (this.#isShort()) await this.#replace(() => ({}))
  }

  /** The expiry counts from the answer before the write; where that was long ago, another write is needed to be worth something. */
  #isShort(): boolean {
    return !this.#record.released && this.#date > this.#record.expiry - LEASE_LIFE_MS / 2
  }

  async #replace(change: (record: LeaseRecord) => Partial<LeaseRecord>): Promise<void> {
    const {table} = this.#context
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (this.#lost) throw leaseLost(this.#sessionId)
      const record = {...this.#record, expiry: this.#date + LEASE_LIFE_MS, ...change(this.#record)}
      const written = await table.write(this.#sessionId, record, this.#version)
      if (written) {
        this.#record = record
        this.#version = written.version
        this.#date = written.date
        return
      }
      // Somebody else wrote, or an earlier try of this holder landed after all.
      const found = await table.read(this.#sessionId)
      if (found?.record.hold !== this.#record.hold || found.record.released) {
        this.#lost = true
        throw leaseLost(this.#sessionId)
      }
      // A late twin of an older write may have come back after the record was lost: what was promised since stays promised.
      const {epoch, cutOff} = this.#record
      this.#record = {
        ...found.record,
        epoch: Math.max(found.record.epoch, epoch),
        cutOff: Math.max(found.record.cutOff, cutOff),
      }
      this.#version = found.version
      this.#date = found.date
    }
    throw leaseContended(this.#sessionId)
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
