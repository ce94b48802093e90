import {describe, expect, test} from 'vitest'
import {deferred} from '../../src/base/deferred.js'
import {systemClock} from '../../src/base/system.js'
import type {ChangedOptions, DecoratedCall} from '../../src/object-store/decorator.js'
import type {MirrorEvent} from '../../src/metrics/events.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {readSummary, writeSummary} from '../../src/store/summary-record.js'
import {appendReference} from '../support/reference-adapter.js'
import {
  isPart,
  leased,
  mode,
  newKey,
  newStore,
  open,
  said,
  stored,
  storedForOthers,
  TestStore,
  viewOf,
} from './support/session-stores.js'

describe('group commit', () => {
  test('calls that are made while a part is written share the next one', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store)
    await sessions.append(key, [said('first')])
    const opened = deferred<void>()
    store.gate = opened.promise
    const entries = Array.from({length: 20}, (_, index) => said(String(index)))
    const begun = sessions.append(key, [said('begun')])
    await systemClock.sleep(5)
    const appends = entries.map(async (entry) => sessions.append(key, [entry]))
    opened.resolve()
    await Promise.all([begun, ...appends])
    expect(store.parts).toHaveLength(3)
    expect((await stored(store, key))?.slice(2)).toEqual(entries)
  })

  test('a growing session costs one request a part', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store)
    await sessions.append(key, [said('first')])
    await systemClock.sleep(20)
    store.calls = []
    for (let index = 0; index < 5; index++) await sessions.append(key, [said(String(index))])
    expect(store.calls.map(({operation}) => operation)).toEqual(['put', 'put', 'put', 'put', 'put'])
  })

  test('of very many sessions the idle ones are forgotten, and gone on with after a listing', async () => {
    const store = newStore()
    await using sessions = open(store)
    const keys = Array.from({length: 1_100}, () => newKey())
    for (const key of keys) await sessions.append(key, [said('0')])
    const [first = newKey()] = keys
    store.calls = []
    await sessions.append(first, [said('1')])
    expect(store.calls.map(({operation}) => operation)).toContain('list')
    expect(await stored(store, first)).toHaveLength(2)
  })

  test('transcripts do not wait for each other', async () => {
    const store = newStore()
    await using sessions = open(store)
    store.gate = new Promise(() => undefined)
    const stuck = sessions.append(newKey(), [said('stuck')])
    stuck.catch(() => undefined)
    await systemClock.sleep(5)
    store.gate = undefined
    await sessions.append(newKey(), [said('other')])
    await sessions.close({timeoutMs: 50})
    await expect(stuck).rejects.toMatchObject({code: 'SESSION_STORE_CLOSED'})
  })
})

describe('faults', () => {
  test('an answer that was lost leaves one copy for every reader', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store)
    await sessions.append(key, [said('0'), mode('a')])
    const batch = [said('1'), mode('b'), said('2')]
    store.fault = (call) => (isPart(call) && call.operation === 'put' ? 'after' : undefined)
    await expect(sessions.append(key, batch)).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    store.fault = () => undefined
    await sessions.append(key, batch)
    await sessions.append(key, [mode('b')])
    const expected = [...batch, mode('b')]
    expect((await stored(store, key))?.slice(2)).toEqual(expected)
    expect((await storedForOthers(store, key)).slice(2)).toEqual(expected)
  })

  test('what was rejected and given up is stored before anything that follows', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store)
    await sessions.append(key, [said('0')])
    store.fault = () => 'before'
    const lost = [said('1'), said('2'), mode('x')]
    for (const entry of lost)
      for (let attempt = 0; attempt < 3; attempt++) await expect(sessions.append(key, [entry])).rejects.toThrow('down')
    store.fault = () => undefined
    const next = said('3')
    await sessions.append(key, [next])
    expect((await stored(store, key))?.slice(1)).toEqual([...lost, next])
    expect((await storedForOthers(store, key)).slice(1)).toEqual([...lost, next])
  })

  test('it is stored without another call, too', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store, {
      background: {...systemClock, sleep: async (_, signal) => systemClock.sleep(5, signal)},
    })
    store.fault = () => 'before'
    const entry = said('given up')
    await expect(sessions.append(key, [entry])).rejects.toThrow('down')
    expect(await sessions.flush()).toMatchObject({complete: false, pendingEntries: 1})
    store.fault = () => undefined
    await expect.poll(async () => stored(store, key)).toEqual([entry])
    expect(await sessions.flush()).toMatchObject({complete: true, pendingEntries: 0})
  })

  test('memory is bounded: what finds no room after a rejection is not kept', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store, {maxPendingBytes: 4_000})
    store.fault = () => 'before'
    const entries = Array.from({length: 10}, (_, index) => said(`${index} ${'x'.repeat(500)}`))
    for (const entry of entries) await expect(sessions.append(key, [entry])).rejects.toThrow('down')
    const {pendingBytes, pendingEntries} = await sessions.flush()
    expect(pendingBytes).toBeLessThanOrEqual(2_000)
    store.fault = () => undefined
    await sessions.flush()
    expect(await stored(store, key)).toEqual(entries.slice(0, pendingEntries))
  })

  test('each event is told, with its bytes', async () => {
    const store = newStore()
    const events: MirrorEvent[] = []
    const key = newKey('subagents/agent-1')
    const sessions = open(store, {observe: (event) => events.push(event)})
    store.fault = () => 'before'
    await expect(sessions.append(key, [said('a')])).rejects.toThrow('down')
    store.fault = () => undefined
    const batch = [said('b'), said('c')]
    await sessions.append(key, batch)
    await sessions.close()
    expect(events.map(({type}) => type)).toEqual(['fail', 'append', 'flush'])
    expect(events[0]).toMatchObject({...key, code: 'STORE_UNREACHABLE', entries: 1, appends: 1})
    expect(events[1]).toMatchObject({...key, entries: 3, appends: 2, parts: 1})
    expect(events[2]).toMatchObject({complete: true, pendingEntries: 0})
  })
})

describe('a transcript that is there already', () => {
  test('is read once, and entries that it has are passed over', async () => {
    const store = newStore()
    const key = newKey()
    const entries = Array.from({length: 10}, (_, index) => said(String(index)))
    await using first = open(store)
    for (const entry of entries) await first.append(key, [entry])
    await using second = open(store)
    const next = said('next')
    await second.append(key, [...entries.slice(5), next])
    store.calls = []
    await second.append(key, [said('more'), ...entries])
    expect(store.calls.filter((call) => !call.key.startsWith('.reprise/')).map(({operation}) => operation)).toEqual([
      'put',
    ])
    expect((await stored(store, key))?.slice(0, 11)).toEqual([...entries, next])
    const view = await viewOf(store, key)
    expect([view.resolution.forks.length, view.resolution.loose.length]).toEqual([0, 0])
  })

  test('was deleted by another: what is sent again is stored again', async () => {
    const store = newStore()
    const key = newKey()
    const entries = [said('0'), said('1')]
    await using sessions = open(store)
    await sessions.append(key, entries)
    await open(store).delete(key)
    await sessions.append(key, entries)
    expect(await stored(store, key)).toEqual(entries)
  })

  test('was loaded a moment ago: an append costs a listing and the part', async () => {
    const store = newStore()
    const key = newKey()
    await open(store).append(key, [said('0')])
    await using sessions = open(store)
    expect(await sessions.load(key)).toHaveLength(1)
    store.calls = []
    await sessions.append(key, [said('1')])
    // Every page of a listing is asked for, the one behind the last too.
    expect(store.calls.slice(0, 3).map(({operation}) => operation)).toEqual(['list', 'list', 'put'])
    expect((await viewOf(store, key)).resolution.forks).toEqual([])
  })

  test('has loose parts: whoever holds no lease goes on beside the chain', async () => {
    const store = newStore()
    const key = newKey()
    const old = [said('0'), said('1')]
    await appendReference(
      store,
      key,
      old.map((entry) => JSON.stringify(entry)),
      Date.now() + 3_600_000,
    )
    await using sessions = open(store)
    const next = said('2')
    await sessions.append(key, [next, ...old])
    expect(await stored(store, key)).toEqual([...old, next])
    expect(await storedForOthers(store, key)).toEqual([...old, next])
  })

  test('takes too long to read: the append goes up beside the chain', async () => {
    const store = newStore()
    const key = newKey()
    await open(store).append(key, [said('0')])
    let reading = true
    store.fault = () => undefined
    const slow = new (class extends TestStore {
      protected override async around<T>(call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>) {
        if (reading && call.operation === 'get' && isPart(call)) await systemClock.sleep(60_000, call.signal)
        return run({})
      }
    })(store)
    await using sessions = open(slow, {readLimitMs: 50})
    const next = said('1')
    await sessions.append(key, [next])
    reading = false
    expect((await stored(store, key))?.at(-1)).toEqual(next)
    expect((await viewOf(store, key)).resolution.loose).toHaveLength(1)
  })
})

test('an append that comes while the store is closed is taken, one that comes later is refused', async () => {
  const store = newStore()
  const key = newKey()
  let now = Date.now()
  const sessions = open(store, {clock: {...systemClock, now: () => now}})
  await sessions.append(key, [said('0')])
  now += 150
  const closing = sessions.close()
  await systemClock.sleep(30)
  await sessions.append(key, [said('1')])
  now += 150
  await closing
  await expect(sessions.append(key, [said('2')])).rejects.toMatchObject({code: 'SESSION_STORE_CLOSED'})
  expect(await stored(store, key)).toHaveLength(2)
})

test('a task that a session is linked to while it is written stays in its summary', async () => {
  const store = newStore()
  const key = newKey()
  await using sessions = open(store)
  await sessions.append(key, [said('0')])
  await sessions.flush()
  const summary = await readSummary(store, key.sessionId)
  if (!summary) throw new Error('there is no summary')
  await writeSummary(store, {...summary, task: 'T'})
  await sessions.append(key, [said('1')])
  await sessions.flush()
  expect(await readSummary(store, key.sessionId)).toMatchObject({task: 'T', entries: 2})
})

describe('by home key', () => {
  test('a worker with another cwd reads and appends where the session lies', async () => {
    const store = newStore()
    const key = newKey()
    await using first = open(store)
    await first.append(key, [said('0')])
    await using second = open(store, {projectKey: 'home'})
    const elsewhere = {...key, projectKey: '-elsewhere'}
    expect(await second.load(elsewhere)).toHaveLength(1)
    await second.append(elsewhere, [said('1')])
    expect(await stored(store, key)).toHaveLength(2)
    expect(await stored(store, elsewhere)).toBeNull()
  })

  test('a pinned key holds for every caller', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store, {projectKey: 'fleet'})
    await sessions.append(key, [said('0')])
    expect(await sessions.listSessions('-any')).toHaveLength(1)
    expect(await stored(store, {...key, projectKey: 'fleet'})).toHaveLength(1)
  })
})

describe('with a lease', () => {
  test('one writes; the other is refused until the lease is given back', async () => {
    const store = newStore()
    const key = newKey()
    const a = leased(store, 'a')
    const b = leased(store, 'b')
    await a.append(key, [said('0')])
    await expect(b.append(key, [said('1')])).rejects.toMatchObject({code: 'LEASE_HELD'})
    await a.append({...key, subpath: 'subagents/agent-1'}, [said('sub')])
    await a.close()
    // What was refused is kept, and stored behind what the holder had.
    await b.append(key, [said('2')])
    await b.close()
    expect(await stored(store, key)).toHaveLength(3)
    const {parts} = await viewOf(store, key)
    expect(parts.every((part) => 'range' in part && part.range.leased)).toBe(true)
  })

  test('who lost it writes no more, until the session is loaded again', async () => {
    const store = newStore()
    const key = newKey()
    const background = {...systemClock, sleep: async (_: number, signal?: AbortSignal) => systemClock.sleep(5, signal)}
    await using a = leased(store, 'a', false, {background})
    await a.append(key, [said('0')])
    const b = leased(store, 'b', true)
    await b.append(key, [said('1')])
    // A renewal tells it.
    await systemClock.sleep(50)
    await expect(a.append(key, [said('later')])).rejects.toMatchObject({code: 'LEASE_LOST'})
    await b.append(key, [said('2')])
    await b.close()
    expect(await a.load(key)).toHaveLength(3)
    await a.append(key, [said('3')])
    expect(await stored(store, key)).toHaveLength(4)
  })

  test('who gives a session back does not take it again for what was rejected before', async () => {
    const store = newStore()
    const key = newKey()
    const background = {...systemClock, sleep: async (_: number, signal?: AbortSignal) => systemClock.sleep(5, signal)}
    await using a = leased(store, 'a', false, {background})
    await a.append(key, [said('0')])
    store.fault = (call) => (isPart(call) ? 'before' : undefined)
    await expect(a.append(key, [said('1')])).rejects.toThrow('down')
    await a.release(key.sessionId)
    store.fault = () => undefined
    await systemClock.sleep(50)
    expect(await stored(store, key)).toHaveLength(1)
    // A request of which nobody knows may be on its way: the lease runs out by itself.
    await expect(leased(store, 'b').append(key, [said('2')])).rejects.toMatchObject({code: 'LEASE_HELD'})
  })

  test('loose parts of others are brought into the chain', async () => {
    const store = newStore()
    const key = newKey()
    const old = [said('0'), mode('a'), said('1')]
    for (const [index, entry] of old.entries())
      await appendReference(store, key, [JSON.stringify(entry)], 1_700_000_000_000 + index)
    await using sessions = leased(store, 'a')
    const next = said('2')
    await sessions.append(key, [next])
    await sessions.release(key.sessionId)
    expect(await stored(store, key)).toEqual([...old, next])
    const view = await viewOf(store, key)
    expect(view.delivery.straight).toBe(true)
    expect(view.resolution.loose).toEqual([])
  })

  test('who may not delete leaves them there, and goes on beside the chain', async () => {
    class Undeleting extends TestStore {
      override async delete(keys: readonly string[]) {
        return {failed: keys.map((each) => ({key: each, code: 'ACCESS_DENIED', message: 'no'})), date: Date.now()}
      }
    }
    const store = new Undeleting(new MemoryObjectStore({clock: systemClock}))
    const key = newKey()
    const old = [said('0'), mode('a')]
    await appendReference(
      store,
      key,
      old.map((entry) => JSON.stringify(entry)),
      1_700_000_000_000,
    )
    await using sessions = leased(store, 'a')
    const next = [said('1'), mode('a'), said('2')]
    for (const entry of next) await sessions.append(key, [entry])
    expect(await stored(store, key)).toEqual([...old, ...next])
    expect(await storedForOthers(store, key)).toEqual([...old, ...next])
  })

  test('an answer that was lost leaves one copy', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = leased(store, 'a')
    await sessions.append(key, [said('0')])
    let failures = 1
    store.fault = (call) => (isPart(call) && call.operation === 'put' && failures-- > 0 ? 'after' : undefined)
    const batch = [said('1'), mode('b')]
    await expect(sessions.append(key, batch)).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    await sessions.append(key, batch)
    expect((await storedForOthers(store, key)).slice(1)).toEqual(batch)
  })
})

describe('many parts', () => {
  test('are merged in the background, and again before the end; each byte is written again a few times only', async () => {
    const store = newStore()
    const key = newKey()
    const sessions = open(store)
    const entries = Array.from({length: 3_000}, (_, index) => said(`${index} ${'x'.repeat(100)}`))
    let written = 0
    store.fault = (call) => {
      if (call.operation === 'put' && isPart(call)) written++
      return undefined
    }
    let most = 0
    for (const [index, entry] of entries.entries()) {
      await sessions.append(key, [entry])
      if (index % 50 > 0) continue
      most = Math.max(most, (await viewOf(store, key)).parts.length)
    }
    await sessions.close()
    const {parts} = await viewOf(store, key)
    expect(parts.length).toBeLessThanOrEqual(24)
    expect(most).toBeLessThan(200)
    expect(written).toBeLessThan(3_400)
    expect(await stored(store, key)).toEqual(entries)
    expect(await storedForOthers(store, key)).toEqual(entries)
  })
})
