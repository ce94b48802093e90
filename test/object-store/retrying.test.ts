import {describe, expect, test} from 'vitest'
import {listAll} from '../../src/object-store/list-all.js'
import {type GetOptions, CREATE, type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import type {RetryNotice} from '../../src/object-store/retry-policy.js'
import {FaultyObjectStore, MemoryObjectStore, scriptedFaults, type ScriptedFault} from '../../src/testing.js'
import {halves, SleepClock} from './support.js'

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

async function text(store: ObjectStore, key: string, options: GetOptions = {}): Promise<string> {
  let all = ''
  for await (const chunk of (await store.get(key, options)).body) all += new TextDecoder().decode(chunk)
  return all
}

function setUp(script: readonly ScriptedFault[], options: {readonly attempts?: number; readonly sha256?: string} = {}) {
  const clock = new SleepClock()
  const memory = new MemoryObjectStore({clock})
  const gets: GetOptions[] = []
  const watched = new Proxy<ObjectStore>(memory, {
    get: (target, name) =>
      name === 'get'
        ? async (key: string, wanted: GetOptions) => {
            gets.push(wanted)
            const content = await target.get(key, wanted)
            return options.sha256 === undefined ? content : {...content, sha256: options.sha256}
          }
        : bound(target, name),
  })
  const notices: RetryNotice[] = []
  const store = new RetryingObjectStore(new FaultyObjectStore(watched, {clock, plan: scriptedFaults(script)}), {
    clock,
    random: halves,
    attempts: options.attempts ?? 4,
    baseMs: 100,
    maxMs: 1000,
    onRetry: (notice) => notices.push(notice),
  })
  return {store, memory, clock, gets, notices}
}

function bound(target: ObjectStore, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target)
  return typeof value === 'function' ? (value.bind(target) as unknown) : value
}

describe('retrying', () => {
  test('tries again with growing waits and says so', async () => {
    const {store, memory, clock, notices} = setUp([{kind: '503'}, {kind: '409'}, {kind: '500'}])
    await store.put('a', bytes('x'), {mode: CREATE})
    expect(await text(memory, 'a')).toBe('x')
    expect(notices.map(({attempt, error, waitedMs}) => [attempt, error.code, waitedMs])).toEqual([
      [1, 'STORE_THROTTLED', 50],
      [2, 'STORE_CONFLICT', 100],
      [3, 'STORE_UNREACHABLE', 200],
    ])
    // Between them the pause before each call that one throttling brought.
    expect(clock.slept).toEqual([50, 50, 100, 50, 200, 50])
  })

  test('gives up after so many tries, with the last failure', async () => {
    const {store, notices} = setUp(
      Array.from({length: 9}, () => ({kind: '500' as const})),
      {attempts: 3},
    )
    await expect(store.head('a')).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(notices).toHaveLength(2)
  })

  test('does not try again what would fail again', async () => {
    const {store, notices} = setUp([])
    await expect(store.get('missing')).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    await store.put('a', bytes('1'), {mode: CREATE})
    await expect(store.put('a', bytes('1'), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS', details: {}})
    expect(notices).toEqual([])
  })

  test('a refusal after a try that may have landed says so', async () => {
    const {store, memory} = setUp([{kind: 'fail-after'}, {kind: 'fail-after', operation: 'put', key: 'b'}])
    await expect(store.put('a', bytes('1'), {mode: CREATE})).rejects.toMatchObject({
      code: 'OBJECT_EXISTS',
      details: {retried: true},
    })
    expect(await text(memory, 'a')).toBe('1')
    const {etag} = await memory.put('b', bytes('1'), {mode: CREATE})
    await expect(store.put('b', bytes('2'), {mode: {type: 'update', etag}})).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
      details: {retried: true},
    })
    expect(await text(memory, 'b')).toBe('2')
  })

  test('a refusal after an undecided race is a plain refusal', async () => {
    const {store, memory} = setUp([{kind: '409'}])
    await memory.put('a', bytes('1'), {mode: CREATE})
    const error: unknown = await store.put('a', bytes('2'), {mode: CREATE}).catch((error: unknown) => error)
    expect(error).toMatchObject({code: 'OBJECT_EXISTS'})
    expect(error).not.toMatchObject({details: {retried: true}})
  })

  test('a range goes on where it broke, of the same etag', async () => {
    const {store, memory, gets} = setUp([{kind: 'reset', operation: 'get'}])
    const {etag} = await memory.put('a', bytes('0123456789'), {mode: CREATE})
    expect(await text(store, 'a', {range: {start: 2, end: 8}})).toBe('234567')
    expect(gets[1]).toMatchObject({ifMatch: etag, range: {start: 5, end: 8}})
  })

  test('a whole object with a known digest goes on where it broke and is verified', async () => {
    const digest = '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882'
    const good = setUp([{kind: 'reset', operation: 'get'}], {sha256: digest})
    await good.memory.put('a', bytes('0123456789'), {mode: CREATE})
    expect(await text(good.store, 'a')).toBe('0123456789')
    expect(good.gets[1]).toMatchObject({range: {start: 5, end: 10}})

    const bad = setUp([{kind: 'reset', operation: 'get'}], {sha256: digest})
    await bad.memory.put('a', bytes('0123456780'), {mode: CREATE})
    await expect(text(bad.store, 'a')).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
  })

  test('a whole object without one is read again, for the store to verify', async () => {
    const {store, memory, gets} = setUp([
      {kind: 'reset', operation: 'get'},
      {kind: 'reset', operation: 'get'},
    ])
    await memory.put('a', bytes('0123456789'), {mode: CREATE})
    expect(await text(store, 'a')).toBe('0123456789')
    expect(gets.slice(1).map(({range}) => range)).toEqual([undefined, undefined])
  })

  test('bytes that differ the second time are noticed', async () => {
    const {store, memory} = setUp([{kind: 'reset', operation: 'get'}])
    await memory.put('a', bytes('0123456789'), {mode: CREATE})
    const {body} = await store.get('a')
    const read = async () => {
      for await (const chunk of body) {
        expect(chunk.byteLength).toBe(5)
        memory.corrupt('a')
      }
    }
    await expect(read()).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
  })

  test('a body whose object was replaced meanwhile rejects', async () => {
    const {store, memory} = setUp([{kind: 'reset', operation: 'get'}])
    await memory.put('a', bytes('0123456789'), {mode: CREATE})
    const {body} = await store.get('a')
    await memory.put('a', bytes('abcdefghij'), {mode: OVERWRITE})
    const read = async () => {
      for await (const chunk of body) expect(new TextDecoder().decode(chunk)).toBe('01234')
    }
    await expect(read()).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
  })

  test('a listing goes on after the page it broke at', async () => {
    const {store, memory} = setUp([
      {kind: 'delay', operation: 'list', delayMs: 1},
      {kind: '503', operation: 'list'},
      {kind: '500', operation: 'list'},
    ])
    const keys = ['a', 'b/1', 'b/2', 'c', 'd/1', 'e']
    for (const key of keys) await memory.put(key, bytes('x'), {mode: CREATE})
    const seen: string[] = []
    for await (const page of store.list({prefix: '', delimiter: '/', pageSize: 2})) {
      seen.push(...page.objects.map(({key}) => key), ...page.prefixes)
    }
    expect(seen.toSorted()).toEqual(['a', 'b/', 'c', 'd/', 'e'])
    expect((await listAll(store, {prefix: ''})).objects.map(({key}) => key)).toEqual(keys)
  })

  test('only the keys that failed are deleted again', async () => {
    const clock = new SleepClock()
    const memory = new MemoryObjectStore({clock})
    const calls: (readonly string[])[] = []
    const partly = new Proxy<ObjectStore>(memory, {
      get: (target, name) =>
        name === 'delete'
          ? async (keys: readonly string[]) => {
              calls.push(keys)
              if (calls.length > 2) return target.delete(keys)
              const failed = keys.filter((key) => key !== `k${calls.length}`)
              const codes = failed.map((key) => ({
                key,
                code: key === 'k0' ? 'ACCESS_DENIED' : 'STORE_THROTTLED',
                message: key,
              }))
              return {failed: codes, date: clock.now()}
            }
          : bound(target, name),
    })
    const store = new RetryingObjectStore(partly, {clock, random: halves})
    expect((await store.delete(['k0', 'k1', 'k2', 'k3'])).failed).toMatchObject([{key: 'k0', code: 'ACCESS_DENIED'}])
    expect(calls).toEqual([['k0', 'k1', 'k2', 'k3'], ['k2', 'k3'], ['k3']])
  })

  test('a store that never answers is unreachable after the limit', async () => {
    const clock = new SleepClock()
    const silent = new Proxy<ObjectStore>(new MemoryObjectStore({clock}), {
      get: (target, name) => (name === 'head' ? async () => new Promise(() => {}) : bound(target, name)),
    })
    const store = new RetryingObjectStore(silent, {clock, random: halves, attempts: 2, timeoutMs: 30_000})
    await expect(store.head('a')).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(clock.slept.filter((ms) => ms === 30_000)).toHaveLength(2)
  })

  test('an abort ends the waiting', async () => {
    const abort = new AbortController()
    const {store, clock} = setUp([{kind: '500'}, {kind: '500'}])
    clock.sleep = async () => {
      abort.abort(new Error('enough'))
      abort.signal.throwIfAborted()
    }
    await expect(store.head('a', {signal: abort.signal})).rejects.toThrow('enough')
  })
})
