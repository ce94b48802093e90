import assert from 'node:assert/strict'
import type {SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'
import {newKey, noted, said, saidAll, sameEntries, stored} from './entries.js'
import {sessionStoreCase} from './target.js'

const TEXTS = [
  '',
  'line\nbreak\r\nand\ttab',
  'separators \u2028 \u2029 and next line \u0085',
  'control \u0000 \u001b[31m \u007f',
  'quotes " \' ` and backslash \\ \\n',
  'präkomponiert é, zerlegt e\u0301',
  '日本語 العربية 👩‍👩‍👧 𝒳',
  'a lone surrogate \ud83d and the other \ude00',
  '\ufeffbyte order mark',
  '{"type":"user"}\n{"type":"assistant"}',
]
const NUMBERS = [0, -1, 0.1, 1e21, 5e-324, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE]

/** Names that mean something to an object literal are plain members in JSON. */
const ODD_NAMES = '{"__proto__":{"x":1},"constructor":1,"toString":null,"2":"b","1":"a","":0,"a.b":[]}'

function nested(depth: number): unknown {
  let value: unknown = 'core'
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : {value}
  return value
}

export const valueCases = [
  sessionStoreCase('every JSON value comes back deep-equal', [], async ({store, again}) => {
    const key = newKey()
    const values = [...TEXTS, ...NUMBERS, true, false, null, [], {}, nested(200), JSON.parse(ODD_NAMES) as unknown]
    const entries = values.flatMap((value) => [
      {...said('x'), value},
      {type: 'mode', value},
    ])
    await store.append(key, entries)
    const expected = entries.map((entry) => JSON.parse(JSON.stringify(entry)) as SessionStoreEntry)
    sameEntries(await stored(store, key), expected)
    sameEntries(await stored(await again(), key), expected)
  }),

  sessionStoreCase('an entry of 5 MB and a batch of 3,000', [], async ({store, again}) => {
    const key = newKey()
    const huge = said('ü'.repeat(2_500_000))
    const many = saidAll(3000)
    await store.append(key, [huge])
    await store.append(key, many)
    sameEntries(await stored(await again(), key), [huge, ...many])
  }),

  sessionStoreCase('an append of nothing adds nothing', [], async ({store}) => {
    const key = newKey()
    await store.append(key, [])
    assert.deepEqual((await store.load(key)) ?? [], [])
    const entries = saidAll(2)
    await store.append(key, entries)
    await store.append(key, [])
    sameEntries(await stored(store, key), entries)
  }),

  sessionStoreCase('a batch may be frozen', [], async ({store}) => {
    const key = newKey()
    const entries = [said('a'), noted('b')]
    await store.append(key, Object.freeze(entries.map((entry) => Object.freeze(entry))) as typeof entries)
    sameEntries(await stored(store, key), entries)
  }),

  sessionStoreCase("what is stored is not the caller's objects", ['detached'], async ({store}) => {
    const key = newKey()
    const entries = [said('as it was')]
    const kept = structuredClone(entries)
    await store.append(key, entries)
    for (const entry of entries) entry['message'] = 'changed by who appended'
    const loaded = await stored(store, key)
    sameEntries(loaded, kept)
    for (const entry of loaded) entry['message'] = 'changed by who loaded'
    sameEntries(await stored(store, key), kept)
  }),
]
