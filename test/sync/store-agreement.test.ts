import {mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {readStoreRecord} from '../../src/store/probe.js'
import {checkRegistry, requireConditions} from '../../src/sync/store-agreement.js'
import {FileStoreRecordCache} from '../../src/sync/store-record-cache.js'

class Elsewhere extends StoreLeaseTable {
  override readonly place: string = 'dynamodb://tasks?region=eu-central-1'
}

let cacheDir: string
let now: number
let store: MeteredObjectStore

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'reprise-agreement-'))
  now = 1_700_000_000_000
  store = new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
})
afterEach(async () => {
  await rm(cacheDir, {recursive: true, force: true})
})

const cache = () => new FileStoreRecordCache(cacheDir, store.url, {now: () => now})
const inStore = () => ({store, random: systemRandom, storeRecord: cache()})
const inTable = () => ({...inStore(), leases: new Elsewhere(store)})
const gets = () => store.totals().requests.get
const MISMATCH = {code: 'REGISTRY_MISMATCH', kind: 'usage'}

describe('what the workers of a store agreed on', () => {
  test('the first lease writes it down; who keeps leases elsewhere is refused, before and after', async () => {
    await checkRegistry(inTable())
    await requireConditions(inTable())
    expect(await readStoreRecord(store)).toMatchObject({
      registry: 'dynamodb://tasks?region=eu-central-1',
      conditions: true,
    })
    await requireConditions(inTable())
    await expect(requireConditions(inStore())).rejects.toMatchObject({
      ...MISMATCH,
      suggestions: expect.arrayContaining(['Use the same one: --registry "dynamodb://tasks?region=eu-central-1"']),
    })
    await expect(checkRegistry(inStore())).rejects.toMatchObject(MISMATCH)
    await expect(checkRegistry({store, random: systemRandom})).rejects.toMatchObject(MISMATCH)
  })

  test('a worker that keeps leases in the store is one of those that always did', async () => {
    await requireConditions(inStore())
    await checkRegistry(inStore())
    await expect(requireConditions(inTable())).rejects.toMatchObject(MISMATCH)
  })

  test('is asked once an hour, also where there is nothing yet', async () => {
    await checkRegistry(inStore())
    const first = gets()
    await checkRegistry(inStore())
    expect(gets()).toBe(first)
    now += 60 * 60_000
    await checkRegistry(inStore())
    expect(gets()).toBe(first + 1)
    await requireConditions(inStore())
    const settled = gets()
    await requireConditions(inStore())
    await checkRegistry(inStore())
    expect(gets()).toBe(settled)
  })

  test('nobody is refused by what the cache says', async () => {
    await requireConditions(inTable())
    await store.delete(['.reprise/store.json'])
    await requireConditions(inStore())
    expect(await readStoreRecord(store)).toMatchObject({registry: 'store'})
    await checkRegistry(inStore())
    await expect(checkRegistry(inTable())).rejects.toMatchObject(MISMATCH)
  })

  test('a cache that is damaged, of a clock that went back, or cannot be written costs a request', async () => {
    await requireConditions(inStore())
    now -= 1
    const before = gets()
    await checkRegistry(inStore())
    expect(gets()).toBe(before + 1)
    await writeFile(join(cacheDir, 'file'), '')
    const nowhere = new FileStoreRecordCache(join(cacheDir, 'file'), store.url, {now: () => now})
    await checkRegistry({...inStore(), storeRecord: nowhere})
    await checkRegistry({...inStore(), storeRecord: nowhere})
    expect(gets()).toBe(before + 3)
  })
})
