import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {DryRunObjectStore} from '../../src/object-store/dry-run.js'
import {type StoreCall, MeteredObjectStore} from '../../src/object-store/metered.js'
import {
  CREATE,
  type JoinOptions,
  type JoinSource,
  type JoinStep,
  type ObjectStore,
  OVERWRITE,
} from '../../src/object-store/object-store.js'
import {PrefixedObjectStore} from '../../src/object-store/prefixed.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {type FaultKind, FaultyObjectStore, MemoryObjectStore, scriptedFaults, seededFaults} from '../../src/testing.js'
import {halves, SleepClock} from './support.js'

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

/** Knows which of its bodies are open. */
class Holding extends MemoryObjectStore {
  open = 0

  override async get(...args: Parameters<MemoryObjectStore['get']>) {
    const content = await super.get(...args)
    this.open++
    const closed = (): void => void this.open--
    async function* body() {
      try {
        yield* content.body
      } finally {
        closed()
      }
    }
    return {...content, body: body()}
  }
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

async function two(store: ObjectStore, ...keys: [string, string]): Promise<JoinSource[]> {
  const put = async (key: string, text: string) => {
    const {etag} = await store.put(key, bytes(text), {mode: CREATE})
    return {key, size: text.length, etag}
  }
  return [await put(keys[0], '123'), await put(keys[1], '45')]
}

/** As S3 does it: the first source by itself, the others by way of this machine. */
class HalfCopying extends MemoryObjectStore {
  override async join([first, ...others]: readonly JoinSource[], target: string, options: JoinOptions) {
    options.onProgress?.({moved: 0, copied: first?.size ?? 0})
    return super.join(others, target, options)
  }
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
      requests: {list: 0, head: 0, get: 3, put: 3, copy: 0, join: 0, delete: 3},
      bytesUp: 9,
      bytesDown: 10,
      bytesCopied: 0,
    })
  })
})

describe('a join behind decorators', () => {
  test('counts bytes that the store copied apart from those that were moved', async () => {
    const calls: StoreCall[] = []
    const inner = new HalfCopying({clock: systemClock})
    const sources = await two(inner, 'a', 'b')
    const store = new MeteredObjectStore(inner, {clock: systemClock, observe: (call) => calls.push(call)})
    let told = 0
    const onProgress = ({moved, copied}: JoinStep) => void (told += moved + copied)
    await store.join(sources, 'c', {mode: CREATE, onProgress})
    expect(calls).toEqual([expect.objectContaining({operation: 'join', key: 'c', bytes: 2, bytesCopied: 3})])
    expect(store.totals()).toMatchObject({requests: {join: 1, get: 0}, bytesUp: 2, bytesDown: 2, bytesCopied: 3})
    expect(told).toBe(5)
  })

  test('sees whole keys through a prefix', async () => {
    const inner = memory()
    const store = new PrefixedObjectStore(inner, 'p/', 'memory:p')
    await store.join(await two(store, 'a', 'b'), 'c', {mode: CREATE})
    expect(await inner.head('p/c')).toMatchObject({size: 5})
  })

  test('is planned and refused by a dry run', async () => {
    const inner = memory()
    const [a, b] = await two(inner, 'a', 'b')
    const store = new DryRunObjectStore(inner, {clock: systemClock})
    await store.join([a!, b!], 'c', {mode: CREATE})
    await expect(store.join([a!, b!], 'c', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    await expect(store.join([{...a!, etag: 'x'}], 'd', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    await store.delete(['b'])
    await expect(store.join([a!, b!], 'd', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    expect(store.writes[0]).toEqual({operation: 'join', key: 'c', bytes: 5, mode: 'create'})
    expect(await inner.head('c')).toBeUndefined()
  })

  test('that is reset leaves nothing; one whose answer is lost is tried again and says so', async () => {
    const inner = memory()
    const sources = await two(inner, 'a', 'b')
    const faults = (kind: FaultKind) =>
      new FaultyObjectStore(inner, {clock: systemClock, plan: scriptedFaults([{kind, operation: 'join'}])})
    const reset = faults('reset').join(sources, 'c', {mode: CREATE})
    await expect(reset).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(await inner.head('c')).toBeUndefined()
    const retrying = new RetryingObjectStore(faults('fail-after'), {clock: new SleepClock(), random: halves})
    await expect(retrying.join(sources, 'c', {mode: CREATE})).rejects.toMatchObject({
      code: 'OBJECT_EXISTS',
      details: {retried: true},
    })
    expect(await drain(inner, 'c')).toBe(5)
  })

  test('may take longer than the limit as long as it goes on', async () => {
    const inner = new HalfCopying({clock: systemClock})
    const sources = await two(inner, 'a', 'b')
    const slow = new Proxy<ObjectStore>(inner, {
      get: (target, name) =>
        name === 'join'
          ? async (from: readonly JoinSource[], key: string, options: JoinOptions) => {
              for (let step = 0; step < 6; step++) {
                await systemClock.sleep(30)
                options.onProgress?.({moved: 1, copied: 0})
              }
              return target.join(from, key, options)
            }
          : (Reflect.get(target, name, target) as unknown),
    })
    const store = new RetryingObjectStore(slow, {clock: systemClock, random: halves, timeoutMs: 100, attempts: 1})
    await expect(store.join(sources, 'c', {mode: CREATE})).resolves.toMatchObject({etag: expect.any(String) as string})
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

  test.each(['fail-after', 'reset'] as const)('%s of a get leaves nothing open', async (kind) => {
    const inner = new Holding({clock: systemClock})
    await inner.put('a', bytes('1234567890'), {mode: CREATE})
    const store = new FaultyObjectStore(inner, {clock: systemClock, plan: scriptedFaults([{kind}])})
    await expect(drain(store, 'a')).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(inner.open).toBe(0)
    expect(await drain(store, 'a')).toBe(10)
    expect(inner.open).toBe(0)
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
