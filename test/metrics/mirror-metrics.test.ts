import {describe, expect, test} from 'vitest'
import type {MirrorEvent} from '../../src/metrics/events.js'
import type {Metrics, Sample} from '../../src/metrics/metrics.js'
import {observeMetrics} from '../../src/metrics/mirror-metrics.js'
import {APPEND, FAIL, FLUSH, RETRY} from './support/events.js'

function recorded(event: MirrorEvent) {
  const calls: {samples: readonly Sample[]; dimensions: unknown; properties: unknown}[] = []
  const metrics: Metrics = {
    record: (samples, dimensions, properties) => calls.push({samples, dimensions, properties}),
    close: async () => undefined,
  }
  observeMetrics(metrics, {Machine: 'm1'})(event)
  return calls
}

const values = (event: MirrorEvent) =>
  recorded(event).flatMap(({samples}) => samples.map(({name, value}) => [name, value]))

describe('what events mean in figures', () => {
  test('a part: no error, its latency, its lag, the parts there are; the session is a property, never a dimension', () => {
    expect(recorded(APPEND)).toEqual([
      {
        samples: [
          {name: 'MirrorErrors', unit: 'Count', value: 0},
          {name: 'AppendLatencyMs', unit: 'Milliseconds', value: 35},
          {name: 'MirrorLagMs', unit: 'Milliseconds', value: 120},
          {name: 'PartsPerSession', unit: 'None', value: 7},
        ],
        dimensions: {Machine: 'm1'},
        properties: {ProjectKey: '-w', SessionId: 's1'},
      },
    ])
  })

  test('a lag that nobody knows is no sample, and a subagent has no say in the parts of a session', () => {
    const {lagMs: _, ...unknown} = APPEND
    expect(values({...unknown, subpath: 'subagents/agent-a'})).toEqual([
      ['MirrorErrors', 0],
      ['AppendLatencyMs', 35],
    ])
  })

  test('an empty subpath is the main transcript', () => {
    expect(recorded({...APPEND, subpath: ''})).toEqual(recorded(APPEND))
  })

  test('a failure is one error, and its line says of what and why', () => {
    expect(recorded({...FAIL, subpath: 'subagents/agent-a'})).toEqual([
      {
        samples: [{name: 'MirrorErrors', unit: 'Count', value: 1}],
        dimensions: {Machine: 'm1'},
        properties: {ProjectKey: '-w', SessionId: 's1', Subpath: 'subagents/agent-a', Code: 'STORE_UNREACHABLE'},
      },
    ])
  })

  test('a flush counts as an error when something was left; a retry is none', () => {
    expect(values(FLUSH)).toEqual([['MirrorErrors', 0]])
    expect(values({...FLUSH, complete: false})).toEqual([['MirrorErrors', 1]])
    expect(recorded(RETRY)).toEqual([])
  })
})
