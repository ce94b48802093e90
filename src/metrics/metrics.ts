/**
 * `Count` adds up: so many since the sample before. Samples of all other units are single observations, of which one wants to know
 * the distribution.
 */
export type MetricUnit = 'Count' | 'Milliseconds' | 'Bytes' | 'None'

/** One figure. */
export interface Sample {
  /** In the style of CloudWatch: `MirrorErrors`. */
  readonly name: string
  readonly unit: MetricUnit
  /** Never negative where the unit is `Count`. What is not finite is left out. */
  readonly value: number
}

/** Part of a metric's identity: each combination of values is a time series of its own. Few values, never a session's id. */
export type Dimensions = Readonly<Record<string, string>>

/** Facts about samples that are no dimensions. Adapters with no place for them leave them out. */
export type Properties = Readonly<Record<string, string>>

/** Where figures go. */
export interface Metrics {
  /**
   * Takes samples, to be written now or soon.
   *
   * @throws where what was taken before could not be written.
   */
  record(samples: readonly Sample[], dimensions: Dimensions, properties?: Properties): void
  /** Resolves when what was recorded is on its way. */
  flush?(): Promise<void>
  /** Flushes. Nothing is recorded afterwards. */
  close(): Promise<void>
}
