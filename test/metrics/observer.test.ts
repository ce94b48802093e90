import {once} from 'node:events'
import {describe, expect, test} from 'vitest'
import type {MirrorEvent} from '../../src/metrics/events.js'
import {combineObservers} from '../../src/metrics/observer.js'
import {APPEND, EVENTS} from './support/events.js'

describe('combined observers', () => {
  test('each is told of each event, in order', () => {
    const [first, second]: [MirrorEvent[], MirrorEvent[]] = [[], []]
    const observe = combineObservers([(event) => first.push(event), undefined, (event) => second.push(event)])
    for (const event of EVENTS) observe(event)
    expect(first).toEqual(EVENTS)
    expect(second).toEqual(EVENTS)
  })

  test('one that throws is reported once and left out; the caller and the others notice nothing', () => {
    const broken: unknown[] = []
    const told: MirrorEvent[] = []
    let calls = 0
    const observe = combineObservers(
      [
        () => {
          calls++
          throw new Error('full')
        },
        (event) => told.push(event),
      ],
      (error) => broken.push(error),
    )
    for (const event of EVENTS) observe(event)
    expect(calls).toBe(1)
    expect(broken).toEqual([new Error('full')])
    expect(told).toEqual(EVENTS)
  })

  test('an async one that rejects is no unhandled rejection, and is left out too', async () => {
    const broken: unknown[] = []
    let calls = 0
    const observe = combineObservers(
      [
        async () => {
          calls++
          throw new Error('late')
        },
      ],
      (error) => broken.push(error),
    )
    observe(APPEND)
    observe(APPEND)
    await new Promise((resolve) => setImmediate(resolve))
    observe(APPEND)
    expect(broken).toEqual([new Error('late')])
    expect(calls).toBe(2)
  })

  test('by default the process warns', async () => {
    const warning = once(process, 'warning')
    combineObservers([
      () => {
        throw new Error('full')
      },
    ])(APPEND)
    expect((await warning)[0]).toMatchObject({code: 'OBSERVER_FAILED', message: expect.stringContaining('full')})
  })
})
