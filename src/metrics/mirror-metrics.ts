import type {AppendEvent, FailEvent, MirrorEvent} from './events.js'
import type {Dimensions, Metrics, MetricUnit, Properties, Sample} from './metrics.js'
import type {Observer} from './observer.js'

interface Definition {
  readonly unit: MetricUnit
  /** The name where names are dotted. */
  readonly dotted: string
  readonly description: string
}

/** Every metric of a mirror. Names are API. */
export const MIRROR_METRICS = {
  MirrorErrors: {
    unit: 'Count',
    dotted: 'reprise.mirror.errors',
    description: 'Writes to the store, and final flushes, that failed after all retries.',
  },
  MirrorLagMs: {
    unit: 'Milliseconds',
    dotted: 'reprise.mirror.lag',
    description: 'From the local write of an entry until it was durable in the store.',
  },
  AppendLatencyMs: {
    unit: 'Milliseconds',
    dotted: 'reprise.append.latency',
    description: 'From an append until its entries were durable in the store.',
  },
  PartsPerSession: {
    unit: 'None',
    dotted: 'reprise.session.parts',
    description: "Parts that a session's main transcript is stored in.",
  },
} as const satisfies Record<string, Definition>

export type MirrorMetric = keyof typeof MIRROR_METRICS

export function isMirrorMetric(name: string): name is MirrorMetric {
  return Object.hasOwn(MIRROR_METRICS, name)
}

/** Records what the events of a mirror mean in figures. */
export function observeMetrics(metrics: Metrics, dimensions: Dimensions): Observer {
  return (event) => {
    const samples = samplesOf(event)
    if (samples.length > 0) metrics.record(samples, dimensions, propertiesOf(event))
  }
}

/**
 * Success counts as no error, and says so: an alarm on a mirror that works has data, the average of `MirrorErrors` is the share of
 * writes that failed, and a counter stands at zero before it first rises.
 */
function samplesOf(event: MirrorEvent): readonly Sample[] {
  switch (event.type) {
    case 'append':
      return [
        sample('MirrorErrors', 0),
        sample('AppendLatencyMs', event.latencyMs),
        ...(event.lagMs === undefined ? [] : [sample('MirrorLagMs', event.lagMs)]),
        // A session's subagents have short transcripts, which would hide a main one that wants compacting.
        ...(event.subpath ? [] : [sample('PartsPerSession', event.parts)]),
      ]
    case 'fail':
      return [sample('MirrorErrors', 1)]
    case 'flush':
      return [sample('MirrorErrors', event.complete ? 0 : 1)]
    case 'retry':
      return []
  }
}

function sample(name: MirrorMetric, value: number): Sample {
  return {name, unit: MIRROR_METRICS[name].unit, value}
}

function propertiesOf(event: MirrorEvent): Properties {
  if (event.type === 'append') return transcriptOf(event)
  if (event.type === 'fail') return {...transcriptOf(event), Code: event.code}
  return {}
}

function transcriptOf({projectKey, sessionId, subpath}: AppendEvent | FailEvent): Properties {
  return {ProjectKey: projectKey, SessionId: sessionId, ...(subpath && {Subpath: subpath})}
}
