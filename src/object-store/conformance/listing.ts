import assert from 'node:assert/strict'
import {compareKeys} from '../key-order.js'
import {listAll} from '../list-all.js'
import {CREATE} from '../object-store.js'
import {bytesOf, rejects, times} from './support.js'
import {conformanceCase, type Scope} from './target.js'

/** Names whose order differs between bytes, UTF-16, locale and directory walks. */
const NAMES = [
  'A',
  'B/x',
  'a-x',
  'a.x',
  'a/x',
  'a/x-2',
  'a/y/z',
  'a0',
  'aB',
  'ab',
  'b',
  'z',
  'zz/1',
  'é',
  'ﬀ',
  '\u{1F600}',
  '\u{1F600}/x',
] as const

async function fill({store, at}: Scope, names: readonly string[]): Promise<string[]> {
  await times(names.length, 8, async (index) => {
    await store.put(at(names[index] ?? ''), bytesOf(String(index)), {mode: CREATE})
  })
  return names.map((name) => at(name)).toSorted(compareKeys)
}

export const listingCases = [
  conformanceCase('nothing to list', [], async ({store, at}) => {
    const {objects, prefixes} = await listAll(store, {prefix: at('nothing/'), delimiter: '/'})
    assert.deepEqual([objects, prefixes], [[], []])
  }),

  conformanceCase('every key once, over pages of any size', ['odd-keys'], async (scope) => {
    const {store, at} = scope
    const names = NAMES.filter((name) => name !== '\u{1F600}')
    const expected = await fill(scope, names)
    for (const pageSize of [1, 2, 3, 7, 1000]) {
      const seen: string[] = []
      for await (const page of store.list({prefix: at(''), pageSize})) {
        assert.ok(page.objects.length <= pageSize, 'a page is larger than asked for')
        seen.push(...page.objects.map(({key}) => key))
      }
      if (!store.traits.sortedListing) seen.sort(compareKeys)
      assert.deepEqual(seen, expected, `pages of ${pageSize}`)
    }
  }),

  conformanceCase('a delimiter rolls up', ['odd-keys'], async (scope) => {
    const {store, at} = scope
    const names = NAMES.filter((name) => name !== '\u{1F600}')
    await fill(scope, names)
    for (const pageSize of [1, 2, 5, 1000]) {
      const keys: string[] = []
      const prefixes: string[] = []
      const merged: string[] = []
      for await (const page of store.list({prefix: at(''), delimiter: '/', pageSize})) {
        keys.push(...page.objects.map(({key}) => key))
        prefixes.push(...page.prefixes)
        merged.push(...[...page.objects.map(({key}) => key), ...page.prefixes].toSorted(compareKeys))
      }
      const plain = names.filter((name) => !name.includes('/')).map((name) => at(name))
      assert.deepEqual(keys.toSorted(compareKeys), plain.toSorted(compareKeys), `pages of ${pageSize}`)
      assert.deepEqual(
        prefixes.toSorted(compareKeys),
        ['B/', 'a/', 'zz/', '\u{1F600}/'].map((name) => at(name)).toSorted(compareKeys),
        `pages of ${pageSize}`,
      )
      if (store.traits.sortedListing) assert.deepEqual(merged, merged.toSorted(compareKeys))
    }
    const below = await listAll(store, {prefix: at('a/'), delimiter: '/'})
    assert.deepEqual(
      below.objects.map(({key}) => key),
      [at('a/x'), at('a/x-2')],
    )
    assert.deepEqual(below.prefixes, [at('a/y/')])
  }),

  conformanceCase('a prefix may end inside a name', [], async (scope) => {
    const {store, at} = scope
    const expected = await fill(
      scope,
      ['part-1', 'part-10', 'part-2', 'part-1/x', 'other'].filter((name) => name !== 'part-1'),
    )
    const {objects} = await listAll(store, {prefix: at('part-1')})
    assert.deepEqual(
      objects.map(({key}) => key),
      expected.filter((key) => key.startsWith(at('part-1'))),
    )
    const rolled = await listAll(store, {prefix: at('part-1'), delimiter: '/'})
    assert.deepEqual([rolled.objects.map(({key}) => key), rolled.prefixes], [[at('part-10')], [at('part-1/')]])
  }),

  conformanceCase('startAfter cuts a sorted listing', [], async (scope) => {
    const {store, at} = scope
    const names = ['a', 'a-x/1', 'b', 'c/1', 'c/2', 'd']
    const expected = await fill(scope, names)
    if (!store.traits.sortedListing) {
      await rejects(listAll(store, {prefix: at(''), startAfter: at('b')}), 'UNSUPPORTED')
      return
    }
    for (const name of [...names, '', 'a-', 'bb', 'c/', 'c/1x', 'zzz']) {
      for (const pageSize of [2, 1000]) {
        const seen: string[] = []
        for await (const page of store.list({prefix: at(''), startAfter: at(name), pageSize})) {
          seen.push(...page.objects.map(({key}) => key))
        }
        assert.deepEqual(
          seen,
          expected.filter((key) => compareKeys(key, at(name)) > 0),
          `after '${name}'`,
        )
      }
    }
  }),

  conformanceCase('what stays is listed once while others come and go', [], async (scope) => {
    const {store, at} = scope
    const staying = await fill(
      scope,
      Array.from({length: 40}, (_, index) => `${index % 4}/stay-${index}`),
    )
    const coming = times(40, 2, async (index) => {
      const key = at(`${index % 4}/come-${index}`)
      await store.put(key, bytesOf('x'), {mode: CREATE})
      await store.delete([key])
    })
    const seen: string[] = []
    for await (const page of store.list({prefix: at(''), pageSize: 7})) seen.push(...page.objects.map(({key}) => key))
    await coming
    assert.deepEqual(seen.filter((key) => key.includes('/stay-')).toSorted(compareKeys), staying)
  }),
]
