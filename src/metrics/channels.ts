import {channel} from 'node:diagnostics_channel'
import type {MirrorEvent} from './events.js'
import type {Observer} from './observer.js'

const CHANNELS = {
  append: channel('reprise:append'),
  retry: channel('reprise:retry'),
  fail: channel('reprise:fail'),
  flush: channel('reprise:flush'),
} as const satisfies Record<MirrorEvent['type'], unknown>

/**
 * Publishes each event on `node:diagnostics_channel` under `reprise:` and its type. Whoever subscribes needs no reference to us: a
 * module that is loaded with `--import` sees what any mirror in the process does.
 */
export const publishEvent: Observer = (event) => {
  const channel = CHANNELS[event.type]
  if (channel.hasSubscribers) channel.publish(event)
}
