import {type Attributes, createNoopMeter, type Meter, type MeterProvider, metrics} from '@opentelemetry/api'
import type {Dimensions, Metrics, MetricUnit, Sample} from './metrics.js'
import {isMirrorMetric, MIRROR_METRICS} from './mirror-metrics.js'

type Instrument = (value: number, attributes: Attributes) => void

const UNITS: Readonly<Record<MetricUnit, string>> = {Count: '1', Milliseconds: 'ms', Bytes: 'By', None: '1'}

/** A provider of the SDK, of which the API knows nothing. */
interface Flushing {
  forceFlush?(): Promise<void>
}

/**
 * Records into OpenTelemetry: what is counted in counters, all else in histograms, dimensions as attributes (`reprise.machine`). The
 * process brings the SDK that exports them; without one nothing happens ({@link OtelMetrics.isExporting}).
 */
export class OtelMetrics implements Metrics {
  readonly #provider: MeterProvider & Flushing
  readonly #meter: Meter
  readonly #instruments = new Map<string, Instrument>()

  /** @param provider default: the process's own, as registered now. */
  constructor(provider: MeterProvider = metrics.getMeterProvider()) {
    this.#provider = provider
    this.#meter = provider.getMeter('reprise')
  }

  /** An SDK takes what is recorded. */
  get isExporting(): boolean {
    return this.#meter !== createNoopMeter()
  }

  record(samples: readonly Sample[], dimensions: Dimensions): void {
    const attributes = Object.fromEntries(
      Object.entries(dimensions).map(([name, value]) => [`reprise.${name.toLowerCase()}`, value]),
    )
    for (const sample of samples) {
      if (Number.isFinite(sample.value)) this.#instrument(sample)(sample.value, attributes)
    }
  }

  /** Has the SDK export now, where it can: its next interval may come after the end of a short process. */
  async flush(): Promise<void> {
    await this.#provider.forceFlush?.()
  }

  /** The provider is not ours to shut down. */
  async close(): Promise<void> {
    await this.flush()
  }

  #instrument({name, unit}: Sample): Instrument {
    const known = this.#instruments.get(name)
    if (known) return known
    const instrument = this.#create(name, unit)
    this.#instruments.set(name, instrument)
    return instrument
  }

  #create(name: string, unit: MetricUnit): Instrument {
    const {dotted, description} = isMirrorMetric(name)
      ? MIRROR_METRICS[name]
      : {dotted: `reprise.${name}`, description: ''}
    const options = {unit: UNITS[unit], description}
    if (unit === 'Count') {
      const counter = this.#meter.createCounter(dotted, options)
      return (value, attributes) => counter.add(value, attributes)
    }
    const histogram = this.#meter.createHistogram(dotted, options)
    return (value, attributes) => histogram.record(value, attributes)
  }
}
