import {readFileSync} from 'node:fs'
import {expect, test} from 'vitest'
import {MIRROR_METRICS} from '../../src/metrics/mirror-metrics.js'
import {emfViolations} from './support/emf-validator.js'
import {EVENTS} from './support/events.js'

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')

test('every metric is on the page, with its names and its unit', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.includes('`reprise.'))
  const documented = rows.map((row) => row.split('|').map((cell) => cell.trim()))
  expect(documented.map(([, name, dotted, unit]) => [name, dotted?.split(',')[0], unit])).toEqual(
    Object.entries(MIRROR_METRICS).map(([name, {dotted, unit}]) => [`\`${name}\``, `\`${dotted}\``, unit]),
  )
})

test('the line on the page is valid', () => {
  const line = page.split('\n').find((each) => each.startsWith('{"ProjectKey"'))
  expect(emfViolations(line ?? '')).toEqual([])
})

test.each(EVENTS)('every field of the event $type is on the page', (event) => {
  const section = page.split(`**\`reprise:${event.type}\`**`)[1]?.split('**`reprise:')[0] ?? ''
  const table = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .join('\n')
  expect(Object.keys(event).filter((field) => !table.includes(`\`${field}\``))).toEqual([])
})
