import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {EmfMetrics, type EmfOptions} from '../../src/metrics/emf-metrics.js'
import type {Sample} from '../../src/metrics/metrics.js'
import {observeMetrics} from '../../src/metrics/mirror-metrics.js'
import {emfViolations} from './support/emf-validator.js'
import {APPEND, EVENTS, FAIL, FLUSH} from './support/events.js'
import {ManualClock} from './support/manual-clock.js'

function setUp(options: Partial<EmfOptions> = {}) {
  const clock = new ManualClock()
  const lines: string[] = []
  const sink = {write: (line: string) => void lines.push(line), close() {}}
  const metrics = new EmfMetrics({clock, sink, ...options})
  const documents = () =>
    lines.map((line) => {
      const {_aws: metadata, ...members} = JSON.parse(line)
      return {...members, metadata, directive: metadata.CloudWatchMetrics[0]}
    })
  return {clock, lines, metrics, documents}
}

const byValue = (a: number, b: number) => a - b
const latency = (value: number): Sample => ({name: 'AppendLatencyMs', unit: 'Milliseconds', value})

describe('embedded metric format', () => {
  test('the validator refuses what CloudWatch would drop', () => {
    const good = {
      _aws: {
        Timestamp: 1,
        CloudWatchMetrics: [{Namespace: 'N', Dimensions: [['D']], Metrics: [{Name: 'M', Unit: 'Count'}]}],
      },
      D: 'd',
      M: [1, 2],
    }
    const change = (path: readonly (string | number)[], value: unknown): string => {
      const copy = structuredClone(good) as never
      const parent = path.slice(0, -1).reduce<never>((at, step) => at[step], copy)
      ;(parent as Record<string, unknown>)[path.at(-1) ?? ''] = value
      return JSON.stringify(copy)
    }
    const directive = ['_aws', 'CloudWatchMetrics', 0] as const
    expect(emfViolations(JSON.stringify(good))).toEqual([])
    const bad = [
      change(['_aws', 'Timestamp'], 1.5),
      change([...directive, 'Namespace'], ''),
      change([...directive, 'Namespace'], 'AWS/S3'),
      change([...directive, 'Dimensions'], []),
      change([...directive, 'Dimensions'], [['E']]),
      change([...directive, 'Metrics', 0, 'Name'], 'X'),
      change([...directive, 'Metrics', 0, 'Unit'], 'ms'),
      change([...directive, 'Extra'], 1),
      change(['D'], 1),
      change(['D'], 'é'),
      change(['D'], ''),
      change(['M'], ['1']),
      change(['M'], []),
      change(
        ['M'],
        Array.from({length: 101}, () => 1),
      ),
      `${JSON.stringify(good)} x`,
      JSON.stringify(good, null, 1),
    ]
    expect(bad.filter((line) => emfViolations(line).length === 0)).toEqual([])
  })

  test('what comes within a second goes into one line a session, then it is written', async () => {
    const {clock, metrics, lines} = setUp()
    const observe = observeMetrics(metrics, {Machine: 'm1'})
    observe(APPEND)
    await clock.pass(999)
    observe({...APPEND, latencyMs: 45, parts: 8})
    observe({...APPEND, sessionId: 's2'})
    expect(lines).toEqual([])
    await clock.pass(1)
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        ProjectKey: '-w',
        SessionId: 's1',
        Machine: 'm1',
        MirrorErrors: [0, 0],
        AppendLatencyMs: [35, 45],
        MirrorLagMs: [120, 120],
        PartsPerSession: [7, 8],
        _aws: {
          Timestamp: 1_700_000_000_000,
          CloudWatchMetrics: [
            {
              Namespace: 'Reprise',
              Dimensions: [[], ['Machine']],
              Metrics: [
                {Name: 'MirrorErrors', Unit: 'Count'},
                {Name: 'AppendLatencyMs', Unit: 'Milliseconds'},
                {Name: 'MirrorLagMs', Unit: 'Milliseconds'},
                {Name: 'PartsPerSession', Unit: 'None'},
              ],
            },
          ],
        },
      },
      expect.objectContaining({SessionId: 's2', AppendLatencyMs: 35}),
    ])
    expect(clock.sleeping).toBe(0)
    observe(FLUSH)
    await clock.pass(1_000)
    expect(lines).toHaveLength(3)
    for (const line of lines) expect(emfViolations(line.slice(0, -1))).toEqual([])
  })

  test('a hundred values are written at once', () => {
    const {metrics, documents} = setUp()
    for (let value = 0; value < 250; value++) metrics.record([latency(value)], {})
    expect(documents().map(({AppendLatencyMs}) => AppendLatencyMs.length)).toEqual([100, 100])
  })

  test('namespace and dimensions are the user’s; a set that names a dimension which is not there is left out', async () => {
    const {metrics, documents} = setUp({namespace: 'Fleet/Mirror', dimensionSets: [['Machine', 'Fleet'], ['Fleet']]})
    metrics.record([latency(1)], {Fleet: 'blue', Machine: 'm1'})
    metrics.record([latency(2)], {Fleet: 'blue'})
    metrics.record([latency(3)], {})
    await metrics.flush()
    const directives = documents().map(({directive}) => directive)
    expect(directives.map(({Namespace}) => Namespace)).toEqual(['Fleet/Mirror', 'Fleet/Mirror', 'Fleet/Mirror'])
    expect(directives.map(({Dimensions}) => Dimensions)).toEqual([[['Machine', 'Fleet'], ['Fleet']], [['Fleet']], [[]]])
  })

  test('a layout that CloudWatch would drop is refused at once', () => {
    for (const layout of [
      {namespace: ''},
      {namespace: 'AWS/Reprise'},
      {namespace: 'Ré'},
      {dimensionSets: []},
      {dimensionSets: [['']]},
      {dimensionSets: [['_aws']]},
      {dimensionSets: [Array.from({length: 31}, (_, at) => `D${at}`)]},
    ]) {
      expect(() => setUp(layout)).toThrow(expect.objectContaining({kind: 'usage', code: 'EMF_LAYOUT_INVALID'}))
    }
  })

  test('what could not be written is said to the next who records, or at the end, once', async () => {
    let isFull = true
    const lines: string[] = []
    const sink = {
      write(line: string) {
        if (isFull) throw new Error('no space')
        lines.push(line)
      },
      close() {},
    }
    const {clock, metrics} = setUp({sink})
    metrics.record([latency(1)], {})
    await clock.pass(1_000)
    expect(() => metrics.record([latency(2)], {})).toThrow('no space')
    isFull = false
    metrics.record([latency(3)], {})
    await metrics.close()
    expect(lines.map((line) => JSON.parse(line).AppendLatencyMs)).toEqual([[2, 3]])
    metrics.record([latency(4)], {})
    await metrics.close()
    expect(lines).toHaveLength(1)
    expect(clock.sleeping).toBe(0)
  })

  test('whatever is recorded, every line is valid and no value is lost', async () => {
    const text = fc.oneof(
      fc.string({unit: 'binary', maxLength: 1_100}),
      fc.constantFrom('Machine', '_aws', '\n', '\u009b'),
    )
    const record = fc.record({
      samples: fc.array(
        fc.record({
          name: fc.oneof(
            fc.constantFrom('MirrorErrors', 'Machine'),
            fc.integer({min: 0, max: 150}).map((n) => `M${n}`),
          ),
          unit: fc.constantFrom('Count', 'Milliseconds', 'Bytes', 'None'),
          value: fc.oneof(fc.integer(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY)),
        }),
        {maxLength: 250},
      ),
      dimensions: fc.dictionary(fc.constantFrom('Machine', 'Fleet', 'MirrorErrors', 'constructor'), text),
      properties: fc.dictionary(text, text, {maxKeys: 3}),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(record, {maxLength: 5}), async (records) => {
        const {metrics, lines, documents} = setUp({dimensionSets: [[], ['Machine'], ['constructor', 'Fleet']]})
        for (const {samples, dimensions, properties} of records) metrics.record(samples, dimensions, properties)
        await metrics.close()
        for (const line of lines) expect(emfViolations(line.slice(0, -1))).toEqual([])
        const written = documents().flatMap((document) =>
          document.directive.Metrics.flatMap(({Name}: {Name: string}) => document[Name]),
        )
        const finite = records.flatMap(({samples}) => samples.map(({value}) => value)).filter(Number.isFinite)
        expect(written.toSorted(byValue)).toEqual(finite.toSorted(byValue))
      }),
      {numRuns: 40},
    )
  })

  test('every event of a mirror is a valid line', async () => {
    const {metrics, lines} = setUp()
    const observe = observeMetrics(metrics, {Machine: 'ünï\u0007'})
    for (const event of [...EVENTS, {...FAIL, sessionId: 'a\u2028b\u009b31m'}]) observe(event)
    await metrics.close()
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) {
      expect(emfViolations(line.slice(0, -1))).toEqual([])
      expect(line).toMatch(/^[ -~]+\n$/)
    }
  })
})
