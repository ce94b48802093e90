import {describe, expect, test} from 'vitest'
import {deferred} from '../../src/base/deferred.js'
import {systemClock} from '../../src/base/system.js'
import type {SessionEntry, SessionKey} from '../../src/sdk/types.js'
import type {MirrorSessionStore} from '../../src/sdk/session-store.js'
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
  type TestStore,
  viewOf,
} from './support/session-stores.js'

/** Its sleeps take a few ms. */
const hasty = {...systemClock, sleep: async (_: number, signal?: AbortSignal) => systemClock.sleep(5, signal)}

function large(index: number): SessionEntry {
  return said(`${index} ${'x'.repeat(400)}`)
}

const batch = (): SessionEntry[] => [said('1'), mode('b')]
const quiet = {...systemClock, sleep: async (_: number, signal?: AbortSignal) => systemClock.sleep(3_600_000, signal)}

async function lose(store: TestStore, sessions: MirrorSessionStore, key: SessionKey, entries: SessionEntry[]) {
  let failures = 1
  store.fault = (call) => (isPart(call) && call.operation === 'put' && failures-- > 0 ? 'after' : undefined)
  await expect(sessions.append(key, entries)).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
}

describe('what waits for room in memory', () => {
  test('is flushed too', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = open(store, {maxPendingBytes: 2_000})
    const entries = Array.from({length: 20}, (_, index) => large(index))
    const appends = entries.map(async (entry) => sessions.append(key, [entry]))
    expect(await sessions.flush()).toEqual({complete: true, pendingEntries: 0, pendingBytes: 0})
    expect(await stored(store, key)).toEqual(entries)
    await Promise.all(appends)
  })

  test('is stored before the session store closes, and counted when it cannot be', async () => {
    const store = newStore()
    const key = newKey()
    const sessions = open(store, {maxPendingBytes: 2_000})
    const entries = Array.from({length: 20}, (_, index) => large(index))
    const appends = entries.map(async (entry) => sessions.append(key, [entry]))
    expect(await sessions.close()).toMatchObject({complete: true})
    await Promise.all(appends)
    expect(await stored(store, key)).toEqual(entries)

    const hanging = newStore()
    hanging.gate = new Promise(() => undefined)
    const stuck = open(hanging, {maxPendingBytes: 2_000})
    const rejected = Promise.allSettled(entries.map(async (entry) => stuck.append(newKey(), [entry])))
    const report = await stuck.close({timeoutMs: 150})
    expect(report).toMatchObject({complete: false, pendingEntries: 20})
    const reasons = await rejected
    expect(reasons.map(({status}) => status)).toEqual(entries.map(() => 'rejected'))
  })
})

test('close takes what a query sends one after the other to a slow store, and gives what was rejected a last try', async () => {
  const store = newStore()
  const sessions = open(store)
  const [key, other] = [newKey(), newKey()]
  store.fault = (call) => (isPart(call) ? 'before' : undefined)
  const given = said('given up')
  await expect(sessions.append(other, [given])).rejects.toThrow('down')
  store.fault = () => undefined
  store.gate = systemClock.sleep(200)
  const entries = [said('0'), said('1'), said('2')]
  const sending = (async () => {
    for (const entry of entries) {
      await sessions.append(key, [entry])
      store.gate = systemClock.sleep(200)
    }
  })()
  expect(await sessions.close()).toMatchObject({complete: true})
  await sending
  expect(await stored(store, key)).toEqual(entries)
  expect(await stored(store, other)).toEqual([given])
})

describe('close ends in its time', () => {
  test('when giving the leases back hangs', async () => {
    const store = newStore()
    const key = newKey()
    const sessions = leased(store, 'a')
    await sessions.append(key, [said('0')])
    const hangs = new Promise<never>(() => undefined)
    const putting = store.put.bind(store)
    store.put = async (at, ...rest) => (at.startsWith('.reprise/leases/') ? hangs : putting(at, ...rest))
    expect(await sessions.close({timeoutMs: 400})).toMatchObject({complete: true})
  })

  test('and a lease that is not given back is not renewed any more', async () => {
    const store = newStore()
    const key = newKey()
    const sessions = leased(store, 'a', false, {background: hasty})
    await sessions.append(key, [said('0')])
    store.gate = new Promise(() => undefined)
    sessions.append(key, [said('1')]).catch(() => undefined)
    expect(await sessions.close({timeoutMs: 200})).toMatchObject({complete: false})
    await systemClock.sleep(20)
    const renewals = () => store.calls.filter((call) => call.key.startsWith('.reprise/leases/')).length
    const before = renewals()
    await systemClock.sleep(100)
    expect(renewals()).toBe(before)
  })

  test('when the store cannot be opened', async () => {
    const sessions = open(newStore(), {open: async () => new Promise(() => undefined)})
    const append = sessions.append(newKey(), [said('0')])
    append.catch(() => undefined)
    expect(await sessions.close({timeoutMs: 200})).toMatchObject({complete: false, pendingEntries: 1})
    await expect(append).rejects.toMatchObject({code: 'SESSION_STORE_CLOSED'})
  })
})

describe('a session that is given back', () => {
  test('may be appended to meanwhile: it is taken again, and nothing is lost', async () => {
    const store = newStore()
    const key = newKey()
    await using sessions = leased(store, 'a', false, {background: hasty})
    const entries = [said('0'), said('1'), said('2')]
    await sessions.append(key, entries.slice(0, 1))
    const released = deferred<void>()
    const putting = store.put.bind(store)
    let releases = 0
    store.put = async (at, body, options) => {
      const isRelease = at.startsWith('.reprise/leases/') && Buffer.from(body as Uint8Array).includes('"released":true')
      if (isRelease && releases++ === 0) await released.promise
      return putting(at, body, options)
    }
    const releasing = sessions.release(key.sessionId)
    await expect.poll(() => releases).toBe(1)
    const late = sessions.append(key, entries.slice(1, 2))
    late.catch(() => undefined)
    await systemClock.sleep(20)
    released.resolve()
    await releasing
    await late
    await sessions.append(key, entries.slice(2))
    expect(await sessions.flush()).toMatchObject({complete: true})
    expect(await stored(store, key)).toEqual(entries)
  })

  test('is given back with what is on its way', async () => {
    const store = newStore()
    const key = newKey()
    await using a = leased(store, 'a', false, {background: hasty})
    await a.append(key, [said('0')])
    const opened = deferred<void>()
    store.fault = (call) => {
      // While the summary is written, another batch comes.
      if (call.key.startsWith('.reprise/sessions/') && call.operation === 'put') opened.resolve()
      return undefined
    }
    const releasing = a.release(key.sessionId)
    await opened.promise
    const late = a.append(key, [said('1')])
    await Promise.all([releasing, late])
    expect(await stored(store, key)).toHaveLength(2)
    const b = leased(store, 'b')
    await b.append(key, [said('2')])
    await b.close()
  })

  test('that was lost between two turns is taken up again with a load', async () => {
    const store = newStore()
    const key = newKey()
    await using a = leased(store, 'a', false, {background: hasty})
    await a.append(key, [said('0')])
    const b = leased(store, 'b', true)
    await b.append(key, [said('1')])
    // A renewal tells a of it, and nothing else.
    await systemClock.sleep(50)
    await b.close()
    expect(await a.load(key)).toHaveLength(2)
    await a.append(key, [said('2')])
    expect(await stored(store, key)).toHaveLength(3)
  })
})

describe('the lease holder whose answer was lost writes no second copy', () => {
  test('behind what others added meanwhile', async () => {
    const store = newStore()
    const key = newKey()
    await using a = leased(store, 'a', false, {background: quiet})
    await a.append(key, [said('0')])
    const entries = batch()
    await lose(store, a, key, entries)
    const other = said('other')
    await open(store).append(key, [other])
    await a.append(key, entries)
    const last = said('last')
    await a.append(key, [last])
    expect((await stored(store, key))?.slice(1)).toEqual([...entries, other, last])
    expect((await viewOf(store, key)).delivery.straight).toBe(true)
  })

  test.each([-60_000, 60_000])('where it adopts what another left %i ms from now', async (ms) => {
    const store = newStore()
    const key = newKey()
    await using a = leased(store, 'a', false, {background: quiet})
    await a.append(key, [said('0')])
    const entries = batch()
    await lose(store, a, key, entries)
    const other = said('other')
    await appendReference(store, key, [JSON.stringify(other)], Date.now() + ms)
    await a.append(key, entries)
    const last = said('last')
    await a.append(key, [last])
    const found = (await stored(store, key)) ?? []
    expect(found).toHaveLength(5)
    expect(found.filter((each) => each.type === 'mode')).toHaveLength(1)
    expect(found.at(-1)).toEqual(last)
  })
})
