import {describe, expect, test} from 'vitest'
import type {Clock} from '../../src/base/clock.js'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {TimeLimit} from '../../src/object-store/time-limit.js'

/** The machine's clock, which counts the timers that were set. */
class CountingClock implements Clock {
  timers = 0
  running = 0

  now(): number {
    return systemClock.now()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.timers++
    this.running++
    try {
      await systemClock.sleep(ms, signal)
    } finally {
      this.running--
    }
  }
}

function limited(timeoutMs: number, signal?: AbortSignal) {
  const clock = new CountingClock()
  return {clock, limit: new TimeLimit({clock, timeoutMs, signal})}
}

const pause = async (ms: number) => systemClock.sleep(ms)

describe('a time limit', () => {
  test('many waits take one timer, which is given back at the end', async () => {
    const {clock, limit} = limited(60_000)
    for (let wait = 0; wait < 10_000; wait++) await limit.wait(async () => wait)
    expect(clock.timers).toBe(1)
    limit.end()
    await pause(1)
    expect(clock.running).toBe(0)
  })

  test('hits a wait in which nothing moves, also a late one, and aborts what was waited for', async () => {
    const {limit} = limited(100)
    await limit.wait(async () => pause(70))
    await limit.wait(async () => pause(70))
    const at = Date.now()
    await expect(limit.wait(async () => new Promise(() => {}))).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(Date.now() - at).toBeGreaterThanOrEqual(95)
    expect(limit.signal?.aborted).toBe(true)
  })

  test('what moves may take longer than the limit', async () => {
    const {limit} = limited(80)
    const slow = async () => {
      for (let step = 0; step < 5; step++) {
        await pause(40)
        limit.moved()
      }
      return 'done'
    }
    expect(await limit.wait(slow)).toBe('done')
    limit.end()
  })

  test('time between two waits does not count, and no timer runs in it for long', async () => {
    const {clock, limit} = limited(40)
    await limit.wait(async () => 1)
    await pause(120)
    expect(clock.running).toBe(0)
    expect(await limit.wait(async () => pause(20).then(() => 2))).toBe(2)
    expect(limit.signal?.aborted).toBe(false)
    limit.end()
  })

  test("aborts with the caller's signal; without a limit, that is all there is", async () => {
    const stop = new AbortController()
    const {limit} = limited(60_000, stop.signal)
    const none = new TimeLimit({clock: new CountingClock(), timeoutMs: undefined, signal: stop.signal})
    expect(none.signal).toBe(stop.signal)
    stop.abort(new Error('enough'))
    expect(limit.signal?.reason).toBe(stop.signal.reason)
    limit.end()
  })

  test('a large body takes one timer', async () => {
    const clock = new CountingClock()
    const memory: ObjectStore = new MemoryObjectStore({clock})
    await memory.put('a', new Uint8Array(20 * 1024 * 1024), {mode: OVERWRITE})
    const store = new RetryingObjectStore(memory, {clock, random: systemRandom, timeoutMs: 60_000})
    let chunks = 0
    for await (const chunk of (await store.get('a')).body) chunks += Math.sign(chunk.byteLength)
    expect(chunks).toBeGreaterThan(300)
    // One for the call, one for the body.
    expect(clock.timers).toBe(2)
  })
})
