import {EventEmitter, once} from 'node:events'
import {describe, expect, test} from 'vitest'
import {systemRandom} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {OVERWRITE} from '../../src/object-store/object-store.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {TimeLimit} from '../../src/object-store/time-limit.js'
import {ManualClock} from '../metrics/support/manual-clock.js'

function limited(timeoutMs: number, signal?: AbortSignal) {
  const clock = new ManualClock()
  return {clock, limit: new TimeLimit({clock, timeoutMs, signal})}
}

/** Work that ends when the test says so. */
function open() {
  const door = new EventEmitter()
  const done = once(door, 'end').then(() => 'done')
  return {work: async () => done, end: () => door.emit('end')}
}

describe('a time limit', () => {
  test('many waits take one timer, which is given back at the end', async () => {
    const {clock, limit} = limited(60_000)
    for (let wait = 0; wait < 10_000; wait++) await limit.wait(async () => wait)
    expect(clock.sleeping).toBe(1)
    limit.end()
    expect(clock.sleeping).toBe(0)
  })

  test('hits a wait in which nothing moves, counted from its own beginning, and aborts what was waited for', async () => {
    const {clock, limit} = limited(100)
    const first = open()
    const waiting = limit.wait(first.work)
    await clock.pass(70)
    first.end()
    expect(await waiting).toBe('done')
    const never = limit.wait(open().work).catch((error: unknown) => error)
    await clock.pass(70)
    await clock.pass(29)
    expect(limit.signal?.aborted).toBe(false)
    await clock.pass(1)
    expect(await never).toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(limit.signal?.aborted).toBe(true)
  })

  test('what moves may take longer than the limit', async () => {
    const {clock, limit} = limited(80)
    const slow = open()
    const waiting = limit.wait(slow.work)
    for (let step = 0; step < 10; step++) {
      await clock.pass(60)
      limit.moved()
    }
    slow.end()
    expect(await waiting).toBe('done')
    limit.end()
  })

  test('time between two waits does not count, and its timer runs out', async () => {
    const {clock, limit} = limited(40)
    await limit.wait(async () => 1)
    await clock.pass(120)
    expect(clock.sleeping).toBe(0)
    const late = open()
    const waiting = limit.wait(late.work)
    await clock.pass(39)
    late.end()
    expect(await waiting).toBe('done')
    expect(limit.signal?.aborted).toBe(false)
    limit.end()
  })

  test("aborts with the caller's signal; without a limit, that is all there is", () => {
    const stop = new AbortController()
    const {limit} = limited(60_000, stop.signal)
    const none = new TimeLimit({clock: new ManualClock(), timeoutMs: undefined, signal: stop.signal})
    expect(none.signal).toBe(stop.signal)
    stop.abort(new Error('enough'))
    expect(limit.signal?.reason).toBe(stop.signal.reason)
  })

  test('a large body takes one timer, and leaves none', async () => {
    const clock = new ManualClock()
    const memory = new MemoryObjectStore({clock})
    await memory.put('a', new Uint8Array(20 * 1024 * 1024), {mode: OVERWRITE})
    const store = new RetryingObjectStore(memory, {clock, random: systemRandom, timeoutMs: 60_000})
    const timers = new Set<number>()
    for await (const chunk of (await store.get('a')).body) if (chunk.byteLength > 0) timers.add(clock.sleeping)
    expect([...timers]).toEqual([1])
    expect(clock.sleeping).toBe(0)
  })
})
