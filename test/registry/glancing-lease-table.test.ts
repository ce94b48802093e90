import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {GlancingLeaseTable} from '../../src/registry/glancing-lease-table.js'
import type {LeaseRecord} from '../../src/registry/lease-record.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {leaseKeyOf} from '../../src/store/names.js'

const RECORD: LeaseRecord = {
  version: 1,
  hold: 'abc',
  owner: {machine: 'm', boot: 'b', pidNamespace: 'n', pid: 1, start: 's'},
  epoch: 3,
  acquired: 0,
  expiry: 60_000,
  released: false,
  cutOff: 0,
}

function start() {
  const store = new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
  const table = new StoreLeaseTable(store)
  return {store, table, glancing: new GlancingLeaseTable(table, systemClock)}
}

function idOf(number: number): string {
  return `${String(number).padStart(8, '0')}-2222-4333-8444-555555555555`
}

test('who asks together is answered by one listing, and a read for each record that is there', async () => {
  const {store, table, glancing} = start()
  await table.write(idOf(7), RECORD, undefined)
  const found = await Promise.all(Array.from({length: 20}, async (_, at) => glancing.read(idOf(at))))
  expect(found.map((each) => each?.record.epoch)).toEqual(
    Array.from({length: 20}, (_, at) => (at === 7 ? 3 : undefined)),
  )
  expect(store.totals().requests).toMatchObject({list: 1, get: 1})
})

test('a few are read one by one', async () => {
  const {store, glancing} = start()
  await Promise.all([glancing.read(idOf(1)), glancing.read(idOf(2))])
  expect(store.totals().requests).toMatchObject({list: 0, get: 2})
})

test('a record that is there when somebody asks is seen, whatever was listed before', async () => {
  const {table, glancing} = start()
  const reads: Promise<unknown>[] = []
  for (let round = 0; round < 30; round++) {
    for (let each = 0; each < 5; each++) reads.push(glancing.read(idOf(1_000 + each)))
    await table.write(idOf(round), RECORD, undefined)
    const read = glancing.read(idOf(round))
    reads.push(read.then((found) => expect(found).toMatchObject({record: RECORD})))
    if (round % 3 === 0) await Promise.all(reads)
  }
  await Promise.all(reads)
})

test('one that cannot be read fails for who asked for it alone', async () => {
  const {store, glancing} = start()
  await store.put(leaseKeyOf(idOf(2)), Buffer.from('{'), {mode: {type: 'create'}})
  const reads = Array.from({length: 6}, async (_, at) => glancing.read(idOf(at)))
  const outcomes = await Promise.allSettled(reads)
  expect(outcomes.map(({status}) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
  await expect(reads[2]).rejects.toMatchObject({code: 'LEASE_DAMAGED'})
})

test('where there are more records than a listing is worth they are read one by one', async () => {
  const {store, table, glancing} = start()
  for (let each = 0; each < 1_200; each++) await table.write(idOf(each), RECORD, undefined)
  await glancing.versions([])
  const before = store.totals().requests
  await Promise.all(Array.from({length: 6}, async (_, at) => glancing.read(idOf(10_000 + at))))
  expect(store.totals().requests).toMatchObject({list: before.list, get: before.get + 6})
})
