import type {Clock} from '../base/clock.js'
import {checkLayout, emfLine, type EmfLayout, MAX_METRICS, MAX_VALUES} from './emf-document.js'
import type {LineSink} from './line-sink.js'
import type {Dimensions, Metrics, MetricUnit, Properties, Sample} from './metrics.js'

const GATHER_MS = 1_000
/** A second of more sessions than this is written early. */
const MAX_BATCHES = 1_000

/** Where documents go, and under which namespace and dimensions. */
export interface EmfOptions extends Partial<EmfLayout> {
  /** Closed with the metrics. */
  readonly sink: LineSink
  readonly clock: Clock
}

/** Samples with the same dimensions and properties: one document. */
interface Batch {
  readonly timestamp: number
  readonly dimensions: Dimensions
  readonly properties: Properties
  readonly metrics: Map<string, {readonly unit: MetricUnit; readonly values: number[]}>
}

/**
 * Writes CloudWatch's Embedded Metric Format: one JSON object a line. What comes within a second with the same dimensions and
 * properties goes into one line, and a line is true of all that is in it.
 *
 * By default the namespace is `Reprise`, and the dimension sets are none and `Machine`.
 */
export class EmfMetrics implements Metrics {
  readonly #layout: EmfLayout
  readonly #sink: LineSink
  readonly #clock: Clock
  readonly #batches = new Map<string, Batch>()
  #waiting: AbortController | undefined
  #failure: {readonly error: unknown} | undefined
  #closed = false

  /** @throws EMF_LAYOUT_INVALID */
  constructor({sink, clock, namespace = 'Reprise', dimensionSets = [[], ['Machine']]}: EmfOptions) {
    this.#layout = {namespace, dimensionSets}
    checkLayout(this.#layout)
    this.#sink = sink
    this.#clock = clock
  }

  record(samples: readonly Sample[], dimensions: Dimensions, properties: Properties = {}): void {
    if (this.#closed) return
    for (const sample of samples) if (Number.isFinite(sample.value)) this.#add(sample, dimensions, properties)
    if (this.#batches.size > MAX_BATCHES) this.#writeAll()
    this.#writeSoon()
    this.#throwFailure()
  }

  /** @throws what the sink threw since it was asked last. */
  async flush(): Promise<void> {
    this.#writeAll()
    this.#throwFailure()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#writeAll()
    this.#sink.close()
    this.#throwFailure()
  }

  #add({name, unit, value}: Sample, dimensions: Dimensions, properties: Properties): void {
    const key = JSON.stringify([dimensions, properties])
    const open = this.#batches.get(key)
    if (open && isFull(open, name)) this.#write(key, open)
    const batch = this.#batches.get(key) ?? {timestamp: this.#clock.now(), dimensions, properties, metrics: new Map()}
    this.#batches.set(key, batch)
    const metric = batch.metrics.get(name) ?? {unit, values: []}
    batch.metrics.set(name, metric)
    metric.values.push(value)
  }

  #writeSoon(): void {
    if (this.#waiting || this.#batches.size === 0) return
    const waiting = new AbortController()
    this.#waiting = waiting
    this.#clock.sleep(GATHER_MS, waiting.signal).then(
      () => this.#writeAll(),
      () => undefined,
    )
  }

  #writeAll(): void {
    this.#waiting?.abort()
    this.#waiting = undefined
    for (const [key, batch] of this.#batches) this.#write(key, batch)
  }

  #write(key: string, batch: Batch): void {
    this.#batches.delete(key)
    try {
      this.#sink.write(emfLine(this.#layout, batch))
    } catch (error) {
      this.#failure ??= {error}
    }
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure.error
  }
}

function isFull({metrics}: Batch, name: string): boolean {
  const values = metrics.get(name)?.values
  return values ? values.length >= MAX_VALUES : metrics.size >= MAX_METRICS
}
