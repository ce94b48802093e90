import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {CREATE} from '../../src/object-store/object-store.js'
import {INDEX_PREFIX} from '../../src/store/names.js'
import {addToIndex, type IndexedSummary, readIndex} from '../../src/store/summary-index.js'

function idOf(number: number): string {
  return `${String(number).padStart(8, '0')}-2222-4333-8444-555555555555`
}

function entry(number: number, etag = `etag-${number}`): IndexedSummary {
  return {
    etag,
    summary: {version: 1, sessionId: idOf(number), homeKey: '-p', agent: 'claude', title: `title ${number}`},
  }
}

function newStore(): MeteredObjectStore {
  return new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
}

async function keys(store: MeteredObjectStore): Promise<readonly string[]> {
  const found: string[] = []
  for await (const {objects} of store.list({prefix: INDEX_PREFIX})) found.push(...objects.map(({key}) => key))
  return found
}

test('what was indexed is found by its etag alone', async () => {
  const store = newStore()
  await addToIndex(store, 1, [entry(1), entry(2)])
  await addToIndex(store, 2, [entry(1, 'later')])
  const index = await readIndex(store, 100)
  expect(index.find(idOf(1), 'etag-1')?.title).toBe('title 1')
  expect(index.find(idOf(1), 'later')?.title).toBe('title 1')
  expect(index.find(idOf(2), 'later')).toBeUndefined()
  expect(index.find(idOf(3), 'etag-3')).toBeUndefined()
})

test('many objects are brought together, the newest of each session stays', async () => {
  const store = newStore()
  for (let at = 0; at < 16; at++) await addToIndex(store, at, [entry(at), entry(100, `etag of ${at}`)])
  expect(await keys(store)).toHaveLength(16)
  await addToIndex(store, 16, [entry(16)])
  expect(await keys(store)).toHaveLength(1)
  const index = await readIndex(store, 100)
  for (let at = 0; at <= 16; at++) expect(index.find(idOf(at), `etag-${at}`)).toBeDefined()
  expect(index.find(idOf(100), 'etag of 15')).toBeDefined()
  expect(index.find(idOf(100), 'etag of 3')).toBeUndefined()
})

test('a thousand sessions at a time make few objects of bounded size', async () => {
  const store = newStore()
  await addToIndex(
    store,
    1,
    Array.from({length: 5_000}, (_, at) => entry(at)),
  )
  expect(await keys(store)).toHaveLength(3)
})

test('who wants few reads few objects', async () => {
  const store = newStore()
  for (let at = 0; at < 10; at++) await addToIndex(store, at, [entry(at)])
  const before = store.totals().requests.get
  await readIndex(store, 16)
  expect(store.totals().requests.get - before).toBe(4)
})

test.each([
  '{',
  '[]',
  '{"version":2,"summaries":[]}',
  '{"version":1,"summaries":{}}',
  '{"version":1,"summaries":[1,null,{"etag":1},{"etag":"a","summary":{"version":1}}]}',
  `{"version":1,"summaries":${'['.repeat(100_000)}`,
])('what is no index is passed over: %.40s', async (text) => {
  const store = newStore()
  await store.put(`${INDEX_PREFIX}9999999999999-aaaaaaaaaaaaaaaa.json`, Buffer.from(text), {mode: CREATE})
  await addToIndex(store, 1, [entry(1)])
  expect((await readIndex(store, 100)).find(idOf(1), 'etag-1')).toBeDefined()
})
