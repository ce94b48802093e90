import fc from 'fast-check'
import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {listAhead} from '../../src/object-store/list-ahead.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ListOptions, StoreTraits} from '../../src/object-store/object-store.js'

const PREFIX = 'p/'
const OPTIONS = {prefix: PREFIX, delimiter: '/' as const, pageSize: 10}

class Watched extends ObjectStoreDecorator {
  readonly started: (string | undefined)[] = []
  sorted = true

  override get traits(): StoreTraits {
    return {...this.inner.traits, sortedListing: this.sorted}
  }

  override async *list(options: ListOptions) {
    this.started.push(options.startAfter)
    yield* this.inner.list(options)
  }
}

async function filled(keys: Iterable<string>): Promise<Watched> {
  const store = new MemoryObjectStore({clock: systemClock})
  for (const key of keys) await store.put(PREFIX + key, new Uint8Array(1), {mode: {type: 'overwrite'}})
  return new Watched(store)
}

const numbered = (count: number): string[] =>
  Array.from({length: count}, (_, index) => `part-${String(index).padStart(6, '0')}`)

test('what follows the first pages is listed in ranges, at the same time', async () => {
  const store = await filled(numbered(100))
  const cuts = ['p/part-000040', 'p/part-000060', 'p/part-000080']
  const {objects} = await listAhead(store, OPTIONS, () => cuts)
  expect(objects).toEqual((await listAll(store, OPTIONS)).objects)
  expect(store.started.slice(0, 4)).toEqual([undefined, ...cuts])
})

test('a listing of one page asks for nothing more', async () => {
  const store = await filled(numbered(9))
  expect((await listAhead(store, OPTIONS, () => ['p/part-000005'])).objects).toHaveLength(9)
  expect(store.started).toEqual([undefined])
})

test('a store that does not sort is listed page by page', async () => {
  const store = await filled(numbered(60))
  store.sorted = false
  expect((await listAhead(store, OPTIONS, () => ['p/part-000030'])).objects).toHaveLength(60)
  expect(store.started).toEqual([undefined])
})

test('whatever the cuts, every object is listed once', async () => {
  const name = fc.stringMatching(/^[a-d]{1,3}(\/x)?$/)
  await fc.assert(
    fc.asyncProperty(
      fc.array(name, {maxLength: 60}),
      fc.array(fc.stringMatching(/^[a-e]{1,3}$/), {maxLength: 5}),
      async (names, cuts) => {
        const store = await filled(names)
        const given = cuts.map((cut) => PREFIX + cut).toSorted()
        const {objects} = await listAhead(store, OPTIONS, (last) => given.filter((cut) => cut > last))
        expect(objects).toEqual((await listAll(store, OPTIONS)).objects)
      },
    ),
    {numRuns: 200},
  )
})
