import {subscribe, unsubscribe} from 'node:diagnostics_channel'
import {expect, test} from 'vitest'
import {publishEvent} from '../../src/metrics/channels.js'
import {EVENTS} from './support/events.js'

test('each event is published on the channel of its type, to whoever subscribes', () => {
  const heard: unknown[] = []
  const hear = (event: unknown, name: string | symbol) => heard.push([name, event])
  for (const event of EVENTS) publishEvent(event)
  subscribe('reprise:fail', hear)
  for (const event of EVENTS) publishEvent(event)
  expect(heard).toEqual(EVENTS.filter(({type}) => type === 'fail').map((event) => ['reprise:fail', event]))
  heard.length = 0
  for (const type of ['append', 'retry', 'flush']) subscribe(`reprise:${type}`, hear)
  for (const event of EVENTS) publishEvent(event)
  expect(heard).toEqual(EVENTS.map((event) => [`reprise:${event.type}`, event]))
  for (const {type} of EVENTS) expect(unsubscribe(`reprise:${type}`, hear)).toBe(true)
})
