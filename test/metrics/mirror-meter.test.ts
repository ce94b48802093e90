import {describe, expect, test} from 'vitest'
import {RepriseError} from '../../src/base/errors.js'
import type {MirrorEvent} from '../../src/metrics/events.js'
import {MirrorMeter} from '../../src/metrics/mirror-meter.js'
import {ManualClock} from './support/manual-clock.js'

const NOTHING = {bytes: 0, parts: 0, entries: 0}
const PART = {bytes: 100, parts: 1, entries: 2}

function setUp() {
  const clock = new ManualClock()
  const events: MirrorEvent[] = []
  const meter = new MirrorMeter({clock, observe: (event) => events.push(event), projectKey: '-w', sessionId: 's'})
  const look = async (step: typeof PART | RepriseError, ms: number, {subpath = undefined as string | undefined} = {}) =>
    meter
      .look(subpath, clock.now() - 300, async () => {
        await clock.pass(ms)
        if (step instanceof RepriseError) throw step
        return step
      })
      .catch((error: unknown) => meter.failed(error))
  return {clock, events, meter, look}
}

function failure(code: string): RepriseError {
  return new RepriseError({kind: 'unreachable', code, message: 'no answer'})
}

describe('a mirror that looks at files', () => {
  test('a look that stores nothing is no event; one that does tells how long and how late', async () => {
    const {clock, events, meter, look} = setUp()
    meter.found(undefined, 4)
    await clock.pass(1_000)
    await look(NOTHING, 5)
    await clock.pass(1_000)
    await look(PART, 20)
    expect(events).toEqual([
      {
        type: 'append',
        projectKey: '-w',
        sessionId: 's',
        bytes: 100,
        entries: 2,
        appends: 1,
        parts: 5,
        putMs: 20,
        latencyMs: 20,
        lagMs: 320,
      },
    ])
  })

  test('an outage is in the times of the part that ends it, and of no other transcript', async () => {
    const {clock, events, look} = setUp()
    await clock.pass(1_000)
    await look(failure('STORE_UNREACHABLE'), 100)
    await clock.pass(900)
    await look(failure('STORE_UNREACHABLE'), 100)
    await clock.pass(900)
    await look(PART, 10, {subpath: 'subagents/agent-a'})
    await look(PART, 10)
    await look(PART, 10)
    expect(
      events.map((event) => (event.type === 'append' ? [event.subpath, event.latencyMs, event.lagMs] : event.type)),
    ).toEqual(['fail', 'fail', ['subagents/agent-a', 10, 310], [undefined, 2_020, 2_320], [undefined, 10, 310]])
  })

  test('what was written before the mirror began is as late as the mirror is old', async () => {
    const {clock, events, look} = setUp()
    await clock.pass(50)
    await look(PART, 10)
    expect(events).toMatchObject([{lagMs: 60}])
  })

  test('a failure names its transcript; one beside the looks is the session’s; a file that changed is none', async () => {
    const {events, meter, look} = setUp()
    await look(failure('STORE_THROTTLED'), 1, {subpath: 'subagents/agent-a'})
    await look(failure('LOCAL_CHANGED'), 1)
    meter.failed(failure('LEASE_LOST'))
    const {projectKey, sessionId} = {projectKey: '-w', sessionId: 's'}
    const sizes = {bytes: 0, entries: 0, appends: 1, message: 'no answer'}
    expect(events).toEqual([
      {type: 'fail', projectKey, sessionId, subpath: 'subagents/agent-a', code: 'STORE_THROTTLED', ...sizes},
      {type: 'fail', projectKey, sessionId, code: 'LEASE_LOST', ...sizes},
    ])
  })
})
