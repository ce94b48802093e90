import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, test} from 'vitest'
import type {ErrorKind} from '../../src/base/errors.js'
import {exitCodeOf} from '../../src/cli/exit-codes.js'

const source = fileURLToPath(new URL('../../src/', import.meta.url))
const page = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8')

/** Every place where a code is written down: errors, warnings, the store's and the registry's own, what oclif's are called. */
const WRITTEN = [
  /\bcode: '(?<code>[A-Z][A-Z_]+)'/g,
  /\b(?:storeError|registryError|usage)\(\s*(?:'[a-z-]+',\s*)?'(?<code>[A-Z][A-Z_]+)'/g,
  /^\s+\| '(?<code>[A-Z][A-Z_]+)'$/gm,
  /\b[A-Za-z]+Error: '(?<code>[A-Z][A-Z_]+)'/g,
]

/** `ETIMEDOUT`: the system's. */
const SYSTEM = /^E[A-Z]+$/

const texts = readdirSync(source, {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(source + name, 'utf8'))

const rows = page
  .split('\n')
  .filter((line) => /^\| `[A-Z]/.test(line))
  .map((line) => {
    const [codes = '', exits = '', what = '', next = ''] = line.slice(2, -2).split(' | ')
    return {codes: [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code), exits: exits.split(', '), what, next}
  })

function exitsOf(code: string): readonly string[] {
  return rows.filter(({codes}) => codes.includes(code)).flatMap(({exits}) => exits)
}

test('every code that is thrown or warned with is in docs/exit-codes.md', () => {
  const found = texts.flatMap((text) => WRITTEN.flatMap((form) => [...text.matchAll(form)]))
  const codes = new Set(found.map(({groups}) => groups?.['code'] ?? '').filter((code) => !SYSTEM.test(code)))
  expect(codes.size).toBeGreaterThan(100)
  expect([...codes].filter((code) => !page.includes(`\`${code}\``)).toSorted()).toEqual([])
})

test('a code that nothing throws any more is not told', () => {
  const told = rows.flatMap(({codes}) => codes)
  expect(told.filter((code) => !texts.some((text) => text.includes(`'${code}'`)))).toEqual([])
})

test('each code stands in one row, with the exit code of its kind and a next step', () => {
  const told = rows.flatMap(({codes}) => codes)
  expect(told.filter((code, index) => told.indexOf(code) !== index)).toEqual([])
  expect(rows.filter(({what, next}) => what === '' || next === '')).toEqual([])
  const pairs = texts.flatMap((text) => [...text.matchAll(/kind: '([a-z-]+)',\s*code: '([A-Z_]+)'/g)])
  expect(pairs.length).toBeGreaterThan(50)
  const wrong = pairs.filter(([, kind, code]) => !exitsOf(code ?? '').includes(String(exitCodeOf(kind as ErrorKind))))
  expect(wrong.map(([pair]) => pair)).toEqual([])
})
