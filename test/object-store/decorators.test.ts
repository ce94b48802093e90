import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {DryRunObjectStore} from '../../src/object-store/dry-run.js'
import {type StoreCall, MeteredObjectStore} from '../../src/object-store/metered.js'
import {CREATE, type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {type FaultKind, FaultyObjectStore, MemoryObjectStore, scriptedFaults, seededFaults} from '../../src/testing.js'

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function drain(store: ObjectStore, key: string): Promise<number> {
  let size = 0
  for await (const chunk of (await store.get(key)).body) size += chunk.byteLength
  return size
}

function memory(): MemoryObjectStore {
  return new MemoryObjectStore({clock: systemClock})
}

/** What 60 calls come to under one seed. */
async function run(seed: number): Promise<string[]> {
  const plan = seededFaults({seed, rate: 0.3, kinds: ['500', '429', 'fail-before']})
  const store = new FaultyObjectStore(memory(), {clock: systemClock, plan})
  const outcomes: string[] = []
  for (let n = 0; n < 60; n++) {
    outcomes.push(
      await store.head('a').then(
        () => 'ok',
        (error: unknown) => String(error),
      ),
    )
  }
  return outcomes
}

describe('metering', () => {
  test('counts calls and bytes, and tells of each call when it is over', async () => {
    const calls: StoreCall[] = []
    const store = new MeteredObjectStore(memory(), {clock: systemClock, observe: (call) => calls.push(call)})
    await store.put('a', bytes('12345'), {mode: CREATE, attempt: 2})
    await store.put(
      'b',
      {
        size: 3,
        async *open() {
          yield bytes('123')
        },
      },
      {mode: CREATE},
    )
    await expect(store.put('a', bytes('1'), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    expect(await drain(store, 'a')).toBe(5)
    for await (const chunk of (await store.get('a')).body) if (chunk) break
    await expect(store.get('c')).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    await store.delete(Array.from({length: 2500}, (_, index) => `k${index}`))
    const told = calls.map(
      ({operation, key, bytes, attempt, outcome}) => `${operation} ${key} ${bytes} ${attempt} ${outcome}`,
    )
    expect(told).toEqual([
      'put a 5 2 ok',
      'put b 3 1 ok',
      'put a 1 1 OBJECT_EXISTS',
      'get a 5 1 ok',
      'get a 5 1 left',
      'get c 0 1 OBJECT_NOT_FOUND',
      'delete k0 0 1 ok',
    ])
    expect(store.totals()).toEqual({
      requests: {list: 0, head: 0, get: 3, put: 3, copy: 0, delete: 3},
      bytesUp: 9,
      bytesDown: 10,
    })
  })
})

describe('a dry run', () => {
  test('records writes, refuses what the store would refuse, and touches nothing', async () => {
    const inner = memory()
    const {etag} = await inner.put('there', bytes('old'), {mode: CREATE})
    const store = new DryRunObjectStore(inner, {clock: systemClock})
    await store.put('new', bytes('12'), {mode: CREATE})
    await expect(store.put('new', bytes('12'), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    await expect(store.put('there', bytes('12'), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    const second = await store.put('there', bytes('new'), {mode: {type: 'update', etag}})
    await expect(store.put('there', bytes('x'), {mode: {type: 'update', etag}})).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    })
    await store.put('there', bytes('new'), {mode: {type: 'update', etag: second.etag}})
    await store.delete(['there'])
    await store.copy('there', 'copied', {mode: CREATE})
    await expect(store.copy('missing', 'x', {mode: OVERWRITE})).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    await expect(store.put('x', bytes(''), {mode: CREATE, metadata: {a: ''}})).rejects.toMatchObject({
      code: 'METADATA_INVALID',
    })
    expect(store.writes).toEqual([
      {operation: 'put', key: 'new', bytes: 2, mode: 'create'},
      {operation: 'put', key: 'there', bytes: 3, mode: 'update'},
      {operation: 'put', key: 'there', bytes: 3, mode: 'update'},
      {operation: 'delete', key: 'there', bytes: 0},
      {operation: 'copy', key: 'copied', bytes: 3, mode: 'create'},
    ])
    expect(await store.head('new')).toBeUndefined()
    expect((await inner.head('there'))?.etag).toBe(etag)
  })
})

describe('injected faults', () => {
  const landed: [FaultKind, string, boolean][] = [
    ['fail-before', 'STORE_UNREACHABLE', false],
    ['fail-after', 'STORE_UNREACHABLE', true],
    ['reset', 'STORE_UNREACHABLE', false],
    ['409', 'STORE_CONFLICT', false],
    ['412', 'OBJECT_EXISTS', false],
    ['429', 'STORE_THROTTLED', false],
    ['500', 'STORE_UNREACHABLE', false],
    ['503', 'STORE_THROTTLED', false],
  ]

  test.each(landed)('%s of a put: %s, written: %s', async (kind, code, written) => {
    const inner = memory()
    const store = new FaultyObjectStore(inner, {clock: systemClock, plan: scriptedFaults([{kind, operation: 'put'}])})
    await expect(store.put('a', bytes('1234'), {mode: CREATE})).rejects.toMatchObject({code})
    expect((await inner.head('a')) !== undefined).toBe(written)
    await store.put('b', bytes('1234'), {mode: CREATE})
  })

  test('a reset get gives half a body', async () => {
    const inner = memory()
    await inner.put('a', bytes('1234567890'), {mode: CREATE})
    const store = new FaultyObjectStore(inner, {clock: systemClock, plan: scriptedFaults([{kind: 'reset'}])})
    let seen = 0
    const read = async () => {
      for await (const chunk of (await store.get('a')).body) seen += chunk.byteLength
    }
    await expect(read()).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(seen).toBe(5)
  })

  test('one seed gives one sequence, and its message names it', async () => {
    const first = await run(5)
    expect(await run(5)).toEqual(first)
    expect(await run(6)).not.toEqual(first)
    const failures = first.filter((outcome) => outcome !== 'ok')
    expect(failures.length).toBeGreaterThan(8)
    expect(failures.length).toBeLessThan(35)
    expect(failures[0]).toContain('seed 5')
  })
})
