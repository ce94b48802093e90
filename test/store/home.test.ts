import {beforeEach, expect, test} from 'vitest'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {Homes} from '../../src/store/home.js'
import {homeKeyOf} from '../../src/store/names.js'

const ID = '11111111-2222-4333-8444-555555555555'
const CREATE = {mode: {type: 'create'}} as const

let store: MemoryObjectStore

beforeEach(() => {
  store = new MemoryObjectStore({clock: {now: () => 0}})
})

test('the first writer records the home key, everyone else obeys it', async () => {
  expect(await new Homes(store).find(ID)).toBeUndefined()
  expect(await new Homes(store).settle(ID, '-home-a')).toBe('-home-a')
  expect(await new Homes(store).settle(ID, '-home-b')).toBe('-home-a')
  expect(await new Homes(store).record(ID, '-home-c')).toBe('-home-a')
  expect(await new Homes(store).find(ID, '-home-d')).toBe('-home-a')
})

test('of many that settle at once all obey one', async () => {
  const keys = await Promise.all(Array.from({length: 10}, (_, index) => new Homes(store).settle(ID, `-home-${index}`)))
  expect(new Set(keys).size).toBe(1)
})

test('a session that others stored is found under whatever key it lies, and stays there', async () => {
  await store.put(`-elsewhere/${ID}/part-1700000000000-abcdef.jsonl`, Buffer.from('{}\n'), CREATE)
  await store.put(`-another/${ID}0/part-1700000000000-abcdef.jsonl`, Buffer.from('{}\n'), CREATE)
  const homes = new Homes(store)
  expect(await homes.projectKeys()).toEqual(['-another', '-elsewhere'])
  expect(await homes.find(ID, '-home-a')).toBe('-elsewhere')
  expect(await homes.settle(ID, '-home-a')).toBe('-elsewhere')
  expect(await homes.recorded(ID)).toBe('-elsewhere')
})

test('our own prefix is no project', async () => {
  await new Homes(store).record(ID, '-home-a')
  expect(await new Homes(store).projectKeys()).toEqual([])
})

test.each(['../up', 'a/b', '', '..', 'a\0b', 'x'.repeat(300), 'x'.repeat(5_000)])(
  'a record that names no key is refused: %j',
  async (text) => {
    await store.put(homeKeyOf(ID), Buffer.from(text), CREATE)
    await expect(new Homes(store).find(ID)).rejects.toMatchObject({kind: 'bad-data'})
  },
)
