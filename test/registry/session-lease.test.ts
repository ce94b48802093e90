import {beforeEach, describe, expect, test, vi} from 'vitest'
import {deferred} from '../../src/base/deferred.js'
import {FaultyObjectStore} from '../../src/object-store/faulty.js'
import {type ScriptedFault, scriptedFaults} from '../../src/object-store/faults.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {type LeaseOwner} from '../../src/registry/lease-record.js'
import type {LeaseTable} from '../../src/registry/lease-table.js'
import {LEASE_LIFE_MS, LEASE_MARGIN_MS, SessionLease} from '../../src/registry/session-lease.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {leaseKeyOf} from '../../src/store/names.js'

const ID = '11111111-2222-4333-8444-555555555555'

let now: number
let store: MemoryObjectStore
let acquisitions: number

beforeEach(() => {
  now = 1_700_000_000_000
  store = new MemoryObjectStore({clock: {now: () => now}})
  acquisitions = 0
})

const clock = {
  // A machine whose own clock is an hour ahead: no decision may rest on it.
  now: () => now + 3_600_000,
  sleep: async (ms: number) => {
    now += ms
  },
}

function owner(pid: number): LeaseOwner {
  return {machine: `m${pid}`, boot: 'b', pidNamespace: 'n', pid, start: 's'}
}

function acquire(pid: number, {force = false, through = store, dead = false}: Options = {}): Promise<SessionLease> {
  const hold = ++acquisitions
  const random = {bytes: (count: number) => new Uint8Array(count).fill(hold), uuid: () => ''}
  const table = tableOf(through)
  return SessionLease.acquire({table, clock, random, owner: owner(pid), isDead: () => dead}, ID, {force})
}

interface Options {
  readonly force?: boolean
  readonly through?: ObjectStore
  readonly dead?: boolean
}

function tableOf(through: ObjectStore): LeaseTable {
  return new StoreLeaseTable(through)
}

function faulty(...script: ScriptedFault[]): ObjectStore {
  return new FaultyObjectStore(store, {clock, plan: scriptedFaults(script)})
}

async function record() {
  return (await tableOf(store).read(ID))?.record
}

test('the first to come creates the record', async () => {
  expect(await tableOf(store).read(ID)).toBeUndefined()
  const lease = await acquire(1)
  expect([lease.epoch, lease.cutOff, lease.created]).toEqual([1, 0, true])
  expect(await record()).toMatchObject({
    owner: {pid: 1},
    epoch: 1,
    acquired: now,
    expiry: now + LEASE_LIFE_MS,
    released: false,
    cutOff: 0,
  })
})

test('a held lease is refused, with owner and expiry, until it ends by the clock of the store', async () => {
  await acquire(1)
  await expect(acquire(2)).rejects.toMatchObject({
    code: 'LEASE_HELD',
    kind: 'conflict',
    details: {owner: {pid: 1, machine: 'm1'}, expiry: new Date(now + LEASE_LIFE_MS).toISOString()},
  })
  now += LEASE_LIFE_MS - 1
  await expect(acquire(2)).rejects.toMatchObject({code: 'LEASE_HELD'})
  now += 1
  const lease = await acquire(2)
  expect([lease.epoch, lease.cutOff, lease.created]).toEqual([2, 1, false])
})

test('a released lease is free, and cuts nothing off', async () => {
  const first = await acquire(1)
  await first.release()
  await first.release()
  const second = await acquire(2)
  expect([second.epoch, second.cutOff]).toEqual([2, 0])
  await expect(first.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
  await first.release()
  expect(await record()).toMatchObject({owner: {pid: 2}, released: false})
})

test('force takes a held lease over, and a dead owner needs none', async () => {
  const first = await acquire(1)
  const second = await acquire(2, {force: true})
  expect([second.epoch, second.cutOff]).toEqual([2, 1])
  await expect(first.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
  await expect(first.confirm(now)).rejects.toMatchObject({code: 'LEASE_LOST'})
  const third = await acquire(3, {dead: true})
  expect([third.epoch, third.cutOff]).toEqual([3, 2])
})

test('a renewal counts from the last answer of the store', async () => {
  const lease = await acquire(1)
  now += 20_000
  await lease.renew()
  // Its expiry was computed from what the store had last said; the next one knows more.
  expect(lease.expiry).toBeGreaterThanOrEqual(now + LEASE_LIFE_MS - 20_000)
  now += 50_000
  await lease.renew()
  expect(lease.expiry).toBeGreaterThanOrEqual(now + LEASE_LIFE_MS / 2)
})

test('what landed well before the expiry is confirmed without a request, anything else by a renewal', async () => {
  const lease = await acquire(1)
  const before = await tableOf(store).read(ID)
  await lease.confirm(now + LEASE_LIFE_MS - LEASE_MARGIN_MS - 1)
  expect((await tableOf(store).read(ID))?.version).toBe(before?.version)
  await lease.confirm(now + LEASE_LIFE_MS - LEASE_MARGIN_MS)
  expect((await tableOf(store).read(ID))?.version).not.toBe(before?.version)
})

test('a late writer is not confirmed once another has the lease', async () => {
  const lease = await acquire(1)
  now += LEASE_LIFE_MS
  await acquire(2)
  await expect(lease.confirm(now)).rejects.toMatchObject({code: 'LEASE_LOST'})
})

test('an epoch is raised above what was listed, and a jump is bad data', async () => {
  await (await acquire(1)).release()
  const lease = await acquire(2)
  await lease.raiseAbove(0)
  expect(lease.epoch).toBe(3)
  await lease.raiseAbove(500)
  expect(lease.epoch).toBe(501)
  await expect(lease.raiseAbove(1_502)).rejects.toMatchObject({code: 'EPOCH_JUMP', kind: 'bad-data'})
  expect(await record()).toMatchObject({epoch: 501})
})

test('after a lost record a new one goes above what was listed, and waits for whoever held the old one', async () => {
  const lease = await acquire(1)
  const start = now
  await lease.recover(5_000)
  expect([lease.epoch, lease.cutOff]).toEqual([5_001, 5_000])
  expect(now - start).toBeGreaterThanOrEqual(LEASE_LIFE_MS)
  expect(lease.expiry).toBeGreaterThan(now)
})

test('a holder whose record got lost finds out at its next write', async () => {
  const lease = await acquire(1)
  await store.delete([leaseKeyOf(ID)])
  await expect(lease.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
})

test('a takeover whose answer got lost is recognised by the next try', async () => {
  const lost = faulty({kind: 'fail-after', operation: 'put'})
  await expect(acquire(1, {through: lost})).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  expect(await record()).toMatchObject({owner: {pid: 1}, epoch: 1})
  await expect(acquire(2)).rejects.toMatchObject({code: 'LEASE_HELD'})
})

test('a renewal whose answer got lost leaves the lease with its holder', async () => {
  const lease = await acquire(1, {
    through: faulty({kind: 'delay', operation: 'put'}, {kind: 'fail-after', operation: 'put'}),
  })
  await expect(lease.renew()).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  await lease.renew()
  expect(await record()).toMatchObject({owner: {pid: 1}, epoch: 1, released: false})
})

test('a conflict that the store could not decide is tried again', async () => {
  const lease = await acquire(1, {through: faulty({kind: '409', operation: 'put'}, {kind: '409', operation: 'put'})})
  await lease.renew()
  expect(await record()).toMatchObject({owner: {pid: 1}, epoch: 1})
})

test('calls at once are written one after the other', async () => {
  const lease = await acquire(1)
  await Promise.all([lease.raiseAbove(0), lease.renew(), lease.raiseAbove(0), lease.renew()])
  expect(lease.epoch).toBe(3)
  expect(await record()).toMatchObject({epoch: 3})
})

test('of twenty that want it at once one has it', async () => {
  const results = await Promise.allSettled(Array.from({length: 20}, (_, pid) => acquire(pid)))
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
})

test.each(['', 'null', '{}', '{"version":2}', '\ufeff{', '[]'])('a record of %j is refused', async (text) => {
  await store.put(leaseKeyOf(ID), Buffer.from(text), {mode: {type: 'create'}})
  await expect(tableOf(store).read(ID)).rejects.toMatchObject({code: 'LEASE_DAMAGED', kind: 'bad-data'})
  await expect(acquire(1, {force: true})).rejects.toMatchObject({code: 'LEASE_DAMAGED'})
})

describe('with the parts in another service', () => {
  /** Counts what is written; `hold` keeps the next write from being answered. */
  class Elsewhere extends StoreLeaseTable {
    override readonly sharesClockWithParts: boolean = false
    writes = 0
    gate: Promise<void> = Promise.resolve()

    override async write(...args: Parameters<LeaseTable['write']>) {
      this.writes++
      const written = await super.write(...args)
      await this.gate
      return written
    }
  }

  async function acquireElsewhere() {
    const table = new Elsewhere(store)
    const random = {bytes: (count: number) => new Uint8Array(count).fill(++acquisitions), uuid: () => ''}
    const lease = await SessionLease.acquire({table, clock, random, owner: owner(1)}, ID)
    table.writes = 0
    return {table, lease}
  }

  test('its dates are not given out', async () => {
    expect((await acquire(1)).date).toBe(now)
    await store.delete([leaseKeyOf(ID)])
    const {lease} = await acquireElsewhere()
    expect(lease.date).toBeUndefined()
  })

  test('every confirmation takes a renewal, whatever the date', async () => {
    const {table, lease} = await acquireElsewhere()
    await lease.confirm(0)
    await lease.confirm(now)
    expect(table.writes).toBe(2)
  })

  test('one renewal serves all writes that were answered before it was sent, and no later one', async () => {
    const {table, lease} = await acquireElsewhere()
    const answer = deferred<void>()
    table.gate = answer.promise
    const first = lease.confirm(now)
    await vi.waitFor(() => expect(table.writes).toBe(1))
    // The first renewal is under way: it says nothing about these.
    const others = [lease.confirm(now), lease.confirm(now), lease.confirm(now)]
    answer.resolve(undefined)
    await first
    await Promise.all(others)
    expect(table.writes).toBe(2)
  })

  test('nobody is confirmed by a renewal that found another there', async () => {
    const {lease} = await acquireElsewhere()
    await acquire(2, {force: true})
    const confirmed = [lease.confirm(now), lease.confirm(now)].map(async (each) =>
      each.catch((error: unknown) => error),
    )
    expect(await Promise.all(confirmed)).toMatchObject([{code: 'LEASE_LOST'}, {code: 'LEASE_LOST'}])
  })
})
