import {describe, expect, test} from 'vitest'
import {systemRandom} from '../../src/base/system.js'
import {storeError} from '../../src/object-store/errors.js'
import {Pace} from '../../src/object-store/pace.js'
import {RetryPolicy} from '../../src/object-store/retry-policy.js'
import {halves, SleepClock} from './support.js'

function setUp() {
  const clock = new SleepClock()
  const pace = new Pace({clock, random: halves, baseMs: 100, maxMs: 1000})
  const waited = async (wait: () => Promise<unknown>) => {
    const before = clock.time
    await wait()
    return clock.time - before
  }
  return {clock, pace, waited, beforeCall: () => waited(async () => pace.beforeCall(undefined))}
}

const throttled = (retryAfterMs?: number) =>
  storeError('STORE_THROTTLED', 'slow down', {details: retryAfterMs === undefined ? {} : {retryAfterMs}})

async function failing(): Promise<never> {
  throw storeError('STORE_UNREACHABLE', 'gone')
}

describe('the pace of a store', () => {
  test('calls throttled together count once; those sent since then count again', async () => {
    const {pace, beforeCall} = setUp()
    const together = await Promise.all(Array.from({length: 64}, async () => pace.beforeCall(undefined)))
    for (const round of together) pace.throttled(round)
    expect(Math.round(await beforeCall())).toBe(50)
    pace.throttled(await pace.beforeCall(undefined))
    expect(Math.round(await beforeCall())).toBe(100)
  })

  test('answers to what was sent before a throttling do not undo it', async () => {
    const {pace, beforeCall} = setUp()
    const [first = 0, ...others] = await Promise.all(Array.from({length: 64}, async () => pace.beforeCall(undefined)))
    pace.throttled(first)
    for (const round of others) pace.succeeded(round)
    expect(Math.round(await beforeCall())).toBe(50)
  })

  test('the pause grows to its limit, and melts away with success', async () => {
    const {pace, beforeCall} = setUp()
    for (let time = 0; time < 20; time++) pace.throttled(await pace.beforeCall(undefined))
    expect(Math.round(await beforeCall())).toBe(501)
    let calls = 0
    for (; (await beforeCall()) > 0; calls++) pace.succeeded(await pace.beforeCall(undefined))
    expect(calls).toBeGreaterThan(10)
    expect(calls).toBeLessThan(40)
  })

  test('it melts away with time, too: who calls once in a while does not go on waiting for an outage that is over', async () => {
    const {clock, pace, beforeCall} = setUp()
    for (let time = 0; time < 20; time++) pace.throttled(await pace.beforeCall(undefined))
    clock.time += 4_000
    expect(await beforeCall()).toBeLessThan(100)
    clock.time += 10_000
    expect(await beforeCall()).toBe(0)
  })

  test('what the store asks for is kept to by all, up to a minute', async () => {
    const {clock, pace, beforeCall, waited} = setUp()
    pace.hold(3000)
    expect(await waited(async () => pace.beforeRetry(1, undefined))).toBe(3000)
    expect(await beforeCall()).toBe(0)
    pace.hold(3_600_000)
    expect(await beforeCall()).toBe(60_000)
    expect(clock.slept).toEqual([3000, 60_000])
  })

  test('a wait that is aborted rejects with the reason of the signal', async () => {
    const {clock, pace} = setUp()
    const stop = new AbortController()
    clock.sleep = async () => {
      stop.abort(new Error('enough'))
      throw new Error('the timer was taken away')
    }
    await expect(pace.beforeRetry(1, stop.signal)).rejects.toThrow('enough')
  })
})

describe('a policy', () => {
  test('one throttled call slows all others of the store down, as the store has asked', async () => {
    const clock = new SleepClock()
    const policy = new RetryPolicy({clock, random: halves, attempts: 1})
    await expect(
      policy.repeat({operation: 'put', key: 'a'}, async () => {
        throw throttled(2000)
      }),
    ).rejects.toMatchObject({code: 'STORE_THROTTLED'})
    await policy.repeat({operation: 'get', key: 'b'}, async () => undefined)
    expect(clock.slept[0]).toBeGreaterThanOrEqual(2000)
  })

  test('waits are random over their whole range', async () => {
    const clock = new SleepClock()
    const policy = new RetryPolicy({clock, random: systemRandom, attempts: 2, baseMs: 1000})
    for (let call = 0; call < 200; call++) {
      await expect(policy.repeat({operation: 'get', key: 'a'}, failing)).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
      })
    }
    expect(Math.min(...clock.slept)).toBeLessThan(100)
    expect(Math.max(...clock.slept)).toBeGreaterThan(900)
    expect(Math.max(...clock.slept)).toBeLessThan(1000)
  })

  test('a call inside of a call: tries do not multiply', async () => {
    const policy = new RetryPolicy({clock: new SleepClock(), random: halves, attempts: 4})
    let sent = 0
    const whole = policy.repeat({operation: 'put', key: 'a'}, async () =>
      policy.repeat({operation: 'UploadPart', key: 'a'}, async () => {
        sent++
        throw throttled()
      }),
    )
    await expect(whole).rejects.toMatchObject({code: 'STORE_THROTTLED'})
    expect(sent).toBe(4)
  })
})
