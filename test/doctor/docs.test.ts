import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, test} from 'vitest'

const source = fileURLToPath(new URL('../../src/', import.meta.url))
const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8')

const files = readdirSync(source, {recursive: true, encoding: 'utf8'}).filter(
  (name) => (name.startsWith('doctor/') || /^sync\/verify-[a-z]+\.ts$/.test(name)) && name.endsWith('.ts'),
)
const texts = files.map((name) => readFileSync(source + name, 'utf8'))

/** Written as the code of a finding, or in a table or a choice of such codes: two words, or one that begins a finding. */
const written = new Set(
  texts.flatMap((text) => [
    ...[...text.matchAll(/code: '([a-z][a-z-]+)'/g)].map(([, code = '']) => code),
    ...[...text.matchAll(/(?:code: exists \?|:) '([a-z]+-[a-z-]+)'/g)].map(([, code = '']) => code),
  ]),
)

const told = new Set(
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => [...(line.split(' | ')[0] ?? '').matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code)),
)

/** The errors of reading a session, as findings write them. */
const FROM_ERRORS = ['part-damaged', 'journal-damaged', 'format-too-new', 'codec-unknown', 'listing-too-tangled']

test('every finding has a row in docs/doctor.md', () => {
  expect(written.size).toBeGreaterThan(50)
  expect([...written].filter((code) => !told.has(code)).toSorted()).toEqual([])
  expect(FROM_ERRORS.filter((code) => !told.has(code))).toEqual([])
})

test('no row tells of a finding that there is none of', () => {
  const known = new Set([...FROM_ERRORS, 'too-many-journals'])
  const gone = [...told].filter((code) => !known.has(code) && !texts.some((text) => text.includes(`'${code}'`)))
  expect(gone).toEqual([])
})

test('every case by symptom names findings that exist', () => {
  const start = page.indexOf('# By symptom')
  const rows = page
    .slice(start, page.indexOf('\n# ', start + 1))
    .split('\n')
    .filter((line) => line.startsWith('| '))
  const cases = rows.slice(1).map((line) => line.split(' | ')[1] ?? '')
  expect(cases.length).toBeGreaterThan(12)
  const named = cases.map((cell) => [...cell.matchAll(/`([a-z-]+)`/g)].map(([, code = '']) => code))
  expect(named.filter((codes) => codes.length === 0)).toEqual([])
  expect(named.flat().filter((code) => !told.has(code))).toEqual([])
})
