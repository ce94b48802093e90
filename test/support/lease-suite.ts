import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import type {LeaseOwner, LeaseRecord} from '../../src/registry/lease-record.js'
import type {LeaseTable} from '../../src/registry/lease-table.js'
import {type AcquireOptions, LEASE_LIFE_MS, SessionLease} from '../../src/registry/session-lease.js'

/** An empty table; each client is one of its own, as on another machine. */
export interface LeaseTarget {
  client(): LeaseTable
  /** Loses a record, as a restored backup or a person may. */
  lose(sessionId: string): Promise<void>
}

const ID = '11111111-2222-4333-8444-555555555555'
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

function owner(pid: number): LeaseOwner {
  return {machine: `m${pid}`, boot: 'b', pidNamespace: 'n', pid, start: 's'}
}

function acquire(table: LeaseTable, pid: number, options: AcquireOptions = {}): Promise<SessionLease> {
  return SessionLease.acquire({table, clock: systemClock, random: systemRandom, owner: owner(pid)}, ID, options)
}

function recordAt(date: number, changes: Partial<LeaseRecord> = {}): LeaseRecord {
  return {
    version: 1,
    owner: owner(1),
    hold: 'abc',
    epoch: 1,
    acquired: date,
    expiry: date + LEASE_LIFE_MS,
    released: false,
    cutOff: 0,
    ...changes,
  }
}

/** What every lease table must do, and what a lease is worth that is kept there. Each case gets a table of its own. */
export function describeLeases(title: string, open: () => Promise<LeaseTarget>): void {
  describe(`${title}: a lease table`, () => {
    test('gives back what was written, members that are absent too', async () => {
      const target = await open()
      const table = target.client()
      expect(await table.read(ID)).toBeUndefined()
      const record = recordAt(await table.date(ID))
      const written = await table.write(ID, record, undefined)
      expect(await target.client().read(ID)).toEqual({record, version: written?.version, date: expect.any(Number)})
      const orphaned = {...record, epoch: 7, cutOff: 5, released: true, orphanUntil: record.expiry}
      await table.write(ID, orphaned, written?.version)
      expect((await target.client().read(ID))?.record).toEqual(orphaned)
      const without = {...record, epoch: 8}
      await table.write(ID, without, (await table.read(ID))?.version)
      expect((await table.read(ID))?.record).toEqual(without)
    })

    test('writes under its condition alone', async () => {
      const table = (await open()).client()
      const date = await table.date(ID)
      expect(await table.write(ID, recordAt(date), 'no-such-version')).toBeUndefined()
      expect(await table.read(ID)).toBeUndefined()
      const first = await table.write(ID, recordAt(date), undefined)
      expect(await table.write(ID, recordAt(date, {epoch: 2}), undefined)).toBeUndefined()
      const second = await table.write(ID, recordAt(date, {epoch: 2}), first?.version)
      expect(second?.version).not.toBe(first?.version)
      expect(await table.write(ID, recordAt(date, {epoch: 3}), first?.version)).toBeUndefined()
      expect((await table.read(ID))?.record.epoch).toBe(2)
    })

    test('its dates are those of one clock, and not far from any', async () => {
      const table = (await open()).client()
      const before = await table.date(ID)
      const written = await table.write(ID, recordAt(before), undefined)
      const read = await table.read(ID)
      // Whole seconds in HTTP, ticks of the kernel in a file system.
      expect(written?.date).toBeGreaterThan(before - 1_000)
      expect(read?.date).toBeGreaterThan((written?.date ?? 0) - 1_000)
      expect(Math.abs(before - systemClock.now())).toBeLessThan(60_000)
    })

    test('tells the versions of those that have a record', async () => {
      const table = (await open()).client()
      const date = await table.date(ID)
      const ids = Array.from({length: 130}, (_, n) => idOf(n))
      const even = ids.filter((_, n) => n % 2 === 0)
      const written = await Promise.all(
        even.map(async (id) => (await table.write(id, recordAt(date), undefined))?.version),
      )
      const versions = await table.versions(ids)
      expect(ids.map((id) => versions.get(id))).toEqual(ids.map((_, n) => (n % 2 === 0 ? written[n / 2] : undefined)))
      expect(await table.versions([])).toBeInstanceOf(Map)
    })

    test('lists every record', async () => {
      const target = await open()
      const table = target.client()
      const date = await table.date(ID)
      for (const [n, released] of [true, false, true].entries()) {
        await table.write(idOf(n), recordAt(date, {epoch: n + 1, released}), undefined)
      }
      const listed = new Map<string, unknown>()
      for await (const {sessionId, record} of target.client().list()) {
        listed.set(sessionId, [record.epoch, record.released])
      }
      expect(listed).toEqual(
        new Map([
          [idOf(0), [1, true]],
          [idOf(1), [2, false]],
          [idOf(2), [3, true]],
        ]),
      )
    })

    test('a holder is refused nothing until another takes over, and everything then', async () => {
      const target = await open()
      const first = await acquire(target.client(), 1)
      await first.renew()
      await expect(acquire(target.client(), 2)).rejects.toMatchObject({code: 'LEASE_HELD', details: {owner: {pid: 1}}})
      const second = await acquire(target.client(), 2, {force: true})
      expect([second.epoch, second.cutOff]).toEqual([2, 1])
      await expect(first.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
      await expect(first.raiseAbove(9)).rejects.toMatchObject({code: 'LEASE_LOST'})
      await second.raiseAbove(9)
      expect((await target.client().read(ID))?.record).toMatchObject({owner: {pid: 2}, epoch: 10})
    })

    test('what was released is free, and cuts nothing off', async () => {
      const target = await open()
      const first = await acquire(target.client(), 1)
      await first.release()
      const second = await acquire(target.client(), 2)
      expect([second.epoch, second.cutOff]).toEqual([2, 0])
    })

    test('renewals and raises at once all land', async () => {
      const target = await open()
      const lease = await acquire(target.client(), 1)
      await Promise.all([lease.raiseAbove(0), lease.renew(), lease.raiseAbove(0), lease.confirm(0), lease.confirm(0)])
      expect((await target.client().read(ID))?.record).toMatchObject({epoch: 3})
    })

    test('a late twin of an earlier write changes nothing', async () => {
      const target = await open()
      const late = target.client()
      const first = await acquire(target.client(), 1)
      const then = await late.read(ID)
      await first.raiseAbove(5)
      const twin = then && (await late.write(ID, then.record, 'before-it'))
      expect(twin).toBeUndefined()
      expect(then && (await late.write(ID, {...then.record, epoch: 2}, then.version))).toBeUndefined()
      expect((await late.read(ID))?.record.epoch).toBe(6)
    })

    test('a holder whose record got lost finds out at its next write, and the next one begins anew', async () => {
      const target = await open()
      const first = await acquire(target.client(), 1)
      await target.lose(ID)
      await expect(first.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
      const second = await acquire(target.client(), 2)
      expect([second.created, second.epoch]).toEqual([true, 1])
      await expect(first.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
    })
  })
}

/** What a lease table must do when many write at once. Apart, since an emulator may not do it. */
export function describeLeaseRaces(title: string, open: () => Promise<LeaseTarget>): void {
  describe(`${title}: a lease table in races`, () => {
    test('of twenty that want a new lease at once one has it', async () => {
      const target = await open()
      const results = await Promise.allSettled(
        Array.from({length: 20}, async (_, pid) => acquire(target.client(), pid)),
      )
      const winners = results.flatMap((result, pid) => (result.status === 'fulfilled' ? [pid] : []))
      expect(winners).toHaveLength(1)
      expect((await target.client().read(ID))?.record).toMatchObject({owner: {pid: winners[0]}, epoch: 1})
      const refusals = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []))
      for (const refusal of refusals) expect(refusal).toMatchObject({code: 'LEASE_HELD'})
    })

    test('of twenty that want one that has ended one has it, and its holder is cut off', async () => {
      const target = await open()
      const table = target.client()
      const date = await table.date(ID)
      await table.write(ID, recordAt(date - 2 * LEASE_LIFE_MS, {epoch: 4}), undefined)
      const results = await Promise.allSettled(
        Array.from({length: 20}, async (_, pid) => acquire(target.client(), pid)),
      )
      expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
      expect((await table.read(ID))?.record).toMatchObject({epoch: 5, cutOff: 4, released: false})
    })

    test('racing take-overs by force follow one another: each has an epoch of its own, one is left', async () => {
      const target = await open()
      await acquire(target.client(), 0)
      const racers = await Promise.allSettled(
        [1, 2, 3, 4].map(async (pid) => acquire(target.client(), pid, {force: true})),
      )
      const leases = racers.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      expect(new Set(leases.map(({epoch}) => epoch)).size).toBe(leases.length)
      const renewed = await Promise.allSettled(leases.map(async (lease) => lease.renew()))
      expect(renewed.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    })
  })
}
