import {string} from '@oclif/core/flags'
import type {Clock} from '../base/clock.js'
import {RepriseError} from '../base/errors.js'
import {publishEvent} from '../metrics/channels.js'
import type {LineSink} from '../metrics/line-sink.js'
import type {Metrics} from '../metrics/metrics.js'
import {combineObservers, type Observer} from '../metrics/observer.js'
import type {Warning} from './output.js'

/** How long a collector that does not answer may hold up the end of a run. */
const PATIENCE_MS = 5_000

export const metricsFlags = {
  metrics: string({
    summary: 'Write metrics of the mirror: emf (Embedded Metric Format on stderr), otel, or a file to append emf to.',
    helpValue: '<emf|otel|file>',
  }),
  'metrics-namespace': string({summary: 'The namespace of emf in CloudWatch (default: Reprise).', helpValue: '<name>'}),
}

export interface ObservationOptions {
  /** `emf`, `otel` or the absolute path of a file; undefined for none. */
  readonly metrics: string | undefined
  /** Of CloudWatch; undefined: ours. */
  readonly namespace: string | undefined
  readonly clock: Clock
  readonly machine: () => Promise<string>
  readonly warn: (warning: Warning) => void
}

export interface Observation {
  readonly observe: Observer
  /** Metrics that cannot be written are a warning: the work that they are about is done. */
  readonly close: () => Promise<void>
}

/** @throws METRICS_FILE_UNWRITABLE (permission), EMF_LAYOUT_INVALID (usage). */
export async function openObservation(options: ObservationOptions): Promise<Observation> {
  const {metrics: destination, clock, warn} = options
  if (destination === undefined) return {observe: combineObservers([publishEvent]), close: async () => undefined}
  const metrics = destination === 'otel' ? await openOtel(warn) : await openEmf(destination, options)
  const {observeMetrics} = await import('../metrics/mirror-metrics.js')
  const broken = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error)
    warn({code: 'METRICS_FAILED', message: `metrics were not written: ${reason}`})
  }
  return {
    observe: combineObservers([publishEvent, observeMetrics(metrics, {Machine: await options.machine()})], broken),
    close: async () => soon(metrics.close(), clock).catch(broken),
  }
}

async function openEmf(destination: string, {namespace, clock}: ObservationOptions): Promise<Metrics> {
  const [{EmfMetrics}, {appendLines, streamLines}] = await Promise.all([
    import('../metrics/emf-metrics.js'),
    import('../metrics/line-sink.js'),
  ])
  // Claude has stdout.
  const sink: LineSink = destination === 'emf' ? streamLines(process.stderr) : appendLines(destination)
  return new EmfMetrics({sink, clock, ...(namespace !== undefined && {namespace})})
}

async function openOtel(warn: ObservationOptions['warn']): Promise<Metrics> {
  const {OtelMetrics} = await import('../metrics/otel-metrics.js')
  const metrics = new OtelMetrics()
  if (!metrics.isExporting) {
    warn({
      code: 'METRICS_NO_SDK',
      message: '--metrics otel exports nothing: no OpenTelemetry SDK is registered (node --import registers one)',
    })
  }
  return metrics
}

async function soon(work: Promise<void>, clock: Clock): Promise<void> {
  const over = new AbortController()
  const late = clock.sleep(PATIENCE_MS, over.signal).then(
    () => {
      throw new RepriseError({kind: 'unreachable', code: 'METRICS_FAILED', message: 'the collector did not answer'})
    },
    () => undefined,
  )
  try {
    await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
