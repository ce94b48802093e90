import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {describe, expect, test} from 'vitest'
import {observeMetrics} from '../../src/metrics/mirror-metrics.js'
import {OtelMetrics} from '../../src/metrics/otel-metrics.js'
import {APPEND, EVENTS} from './support/events.js'

describe('OpenTelemetry', () => {
  test('counts, distributions, units and attributes reach an exporter', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const provider = new MeterProvider({
      readers: [new PeriodicExportingMetricReader({exporter, exportIntervalMillis: 3_600_000})],
    })
    const metrics = new OtelMetrics(provider)
    expect(metrics.isExporting).toBe(true)
    const observe = observeMetrics(metrics, {Machine: 'm1'})
    for (const event of [...EVENTS, {...APPEND, latencyMs: 65}]) observe(event)
    await metrics.close()
    const exported =
      exporter
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
    const byName = Object.fromEntries(
      exported.map(({descriptor, dataPoints}) => [
        descriptor.name,
        {unit: descriptor.unit, points: dataPoints.map(({attributes, value}) => ({attributes, value}))},
      ]),
    )
    const attributes = {'reprise.machine': 'm1'}
    expect(byName).toEqual({
      'reprise.mirror.errors': {unit: '1', points: [{attributes, value: 1}]},
      'reprise.append.latency': {
        unit: 'ms',
        points: [{attributes, value: expect.objectContaining({count: 2, sum: 100, min: 35, max: 65})}],
      },
      'reprise.mirror.lag': {unit: 'ms', points: [{attributes, value: expect.objectContaining({count: 2, sum: 240})}]},
      'reprise.session.parts': {unit: '1', points: [{attributes, value: expect.objectContaining({count: 2, max: 7})}]},
    })
    await provider.shutdown()
  })

  test('without an SDK nothing is exported, and one can ask', async () => {
    const metrics = new OtelMetrics()
    expect(metrics.isExporting).toBe(false)
    observeMetrics(metrics, {})(APPEND)
    await metrics.close()
  })
})
