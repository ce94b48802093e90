// Loaded with `node --import`: registers an OpenTelemetry SDK whose exporter writes what it is given to the file OTEL_OUT.
import {appendFileSync} from 'node:fs'
import {metrics} from '@opentelemetry/api'
import {AggregationTemporality, MeterProvider, PeriodicExportingMetricReader} from '@opentelemetry/sdk-metrics'

const exporter = {
  export({scopeMetrics}, done) {
    for (const {metrics: all} of scopeMetrics) {
      for (const {descriptor, dataPoints} of all) {
        appendFileSync(process.env.OTEL_OUT, `${JSON.stringify({name: descriptor.name, dataPoints})}\n`)
      }
    }
    done({code: 0})
  },
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
  selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
}

const reader = new PeriodicExportingMetricReader({exporter, exportIntervalMillis: 3_600_000})
metrics.setGlobalMeterProvider(new MeterProvider({readers: [reader]}))
