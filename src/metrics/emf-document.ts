import {RepriseError} from '../base/errors.js'
import type {Dimensions, MetricUnit, Properties} from './metrics.js'

/** Of the format: values of a metric in one document, and metrics in one. */
export const MAX_VALUES = 100
export const MAX_METRICS = 100
const MAX_DIMENSIONS = 30
const MAX_DIMENSION_VALUE = 1024

export interface EmfLayout {
  /** CloudWatch's namespace: up to 255 of letters, digits, space and `.-_/#:`. */
  readonly namespace: string
  /** Each set of names gives a metric of its own in CloudWatch; the empty one the metric over all. */
  readonly dimensionSets: readonly (readonly string[])[]
}

export interface EmfDocument {
  /** ms since the epoch. */
  readonly timestamp: number
  readonly dimensions: Dimensions
  readonly properties: Properties
  readonly metrics: ReadonlyMap<string, EmfMetric>
}

export interface EmfMetric {
  readonly unit: MetricUnit
  readonly values: readonly number[]
}

/** @throws EMF_LAYOUT_INVALID (usage): CloudWatch would drop every document, and tell nobody. */
export function checkLayout({namespace, dimensionSets}: EmfLayout): void {
  if (!/^(?!AWS\/)(?=.*\S)[A-Za-z0-9.\-_/#: ]{1,255}$/u.test(namespace)) {
    throw invalid(`${JSON.stringify(namespace)} is no namespace of CloudWatch`)
  }
  if (dimensionSets.length === 0) throw invalid('there is no dimension set; for none there is the empty one: [[]]')
  for (const set of dimensionSets) {
    if (set.length > MAX_DIMENSIONS) throw invalid(`a dimension set has more than ${MAX_DIMENSIONS} names`)
    const wrong = set.find((name) => !/^(?![:_])(?=.*\S)[\u0020-\u007e]{1,250}$/u.test(name))
    if (wrong !== undefined) throw invalid(`${JSON.stringify(wrong)} is no name of a dimension`)
  }
}

/** One document, as a line. Sets that name a dimension which the samples do not have are left out. */
export function emfLine(layout: EmfLayout, {timestamp, dimensions, properties, metrics}: EmfDocument): string {
  const sets = layout.dimensionSets.filter((set) =>
    set.every((name) => Object.hasOwn(dimensions, name) && !metrics.has(name)),
  )
  const root = {
    ...properties,
    ...Object.fromEntries(Object.entries(dimensions).map(([name, value]) => [name, dimensionValue(value)])),
    ...Object.fromEntries([...metrics].map(([name, {values}]) => [name, values.length === 1 ? values[0] : values])),
    _aws: {
      Timestamp: Math.floor(timestamp),
      CloudWatchMetrics: [
        {
          Namespace: layout.namespace,
          Dimensions: sets.length === 0 ? [[]] : sets,
          Metrics: [...metrics].map(([name, {unit}]) => ({Name: name, Unit: unit})),
        },
      ],
    },
  }
  return `${asciiJson(root)}\n`
}

/** CloudWatch takes printable ASCII alone. */
function dimensionValue(value: string): string {
  const clean = value.slice(0, MAX_DIMENSION_VALUE).replaceAll(/[^\u0020-\u007e]/g, '_')
  return clean.trim() === '' ? 'unknown' : clean
}

/** Ids and keys are anybody's text, and the lines may be seen on a terminal. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function invalid(message: string): RepriseError {
  return new RepriseError({kind: 'usage', code: 'EMF_LAYOUT_INVALID', message})
}
