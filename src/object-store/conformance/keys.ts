import assert from 'node:assert/strict'
import {compareKeys} from '../key-order.js'
import {listAll} from '../list-all.js'
import {CREATE} from '../object-store.js'
import {bytesOf, readText, rejects, times} from './support.js'
import {conformanceCase} from './target.js'

const ODD = [
  'with space',
  ' leading',
  'trailing ',
  'a+b',
  'a%b',
  'a%2Fb',
  'a%252Fb',
  'a%00b',
  'q?x=1&y=2',
  'frag#ment',
  'semi;colon',
  'a=b',
  "it's",
  'double"quote',
  '<tag>&amp;',
  '(round)[square]{curly}',
  'star*',
  '!$,:@',
  '~tilde',
  '^caret|pipe`tick',
  'Ünïcödé',
  'é',
  'e\u0301',
  '日本語',
  '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}',
  'UPPER',
  'upper',
  'v1%v2',
  '%v',
  '%',
  '%%',
  'name.json%v2',
  'x.jsonl.torn',
  '.hidden',
  'a..b',
  '...',
  '-dash',
  'nul',
  'con',
  'a:b',
  'tab\tinside',
] as const

export const keyCases = [
  conformanceCase('odd keys keep apart and come back', ['odd-keys'], async ({store, at}) => {
    await times(ODD.length, 8, async (index) => {
      await store.put(at(`k/${ODD[index]}`), bytesOf(`value ${index}`), {mode: CREATE, metadata: {n: String(index)}})
    })
    const {objects} = await listAll(store, {prefix: at('k/')})
    assert.deepEqual(
      objects.map(({key}) => key),
      ODD.map((name) => at(`k/${name}`)).toSorted(compareKeys),
    )
    await times(ODD.length, 8, async (index) => {
      const key = at(`k/${ODD[index]}`)
      assert.equal(await readText(store, key), `value ${index}`, key)
      assert.equal((await store.head(key))?.metadata['n'], String(index), key)
    })
    await times(ODD.length, 8, async (index) => {
      await store.copy(at(`k/${ODD[index]}`), at(`copy/${ODD[index]}/x`), {mode: CREATE})
    })
    const {prefixes} = await listAll(store, {prefix: at('copy/'), delimiter: '/'})
    assert.deepEqual(prefixes, ODD.map((name) => at(`copy/${name}/`)).toSorted(compareKeys))
    const {failed} = await store.delete(objects.map(({key}) => key))
    assert.deepEqual(failed, [])
    assert.deepEqual((await listAll(store, {prefix: at('k/')})).objects, [])
  }),

  conformanceCase('long keys', ['odd-keys'], async ({store, at}) => {
    const long = [1, 2, 3, 4].map((digit) => String(digit).repeat(200)).join('/')
    const key = at(`${long}/${'x'.repeat(40)}`)
    await store.put(key, bytesOf('1'), {mode: CREATE, metadata: {k: 'v'}})
    const {etag} = await store.put(at('y'.repeat(200)), bytesOf('1'), {mode: CREATE, metadata: {k: 'v'}})
    await store.put(at('y'.repeat(200)), bytesOf('2'), {mode: {type: 'update', etag}, metadata: {k: 'w'}})
    assert.equal(await readText(store, key), '1')
    const {objects} = await listAll(store, {prefix: at('')})
    assert.deepEqual(
      objects.map((object) => object.key),
      [key, at('y'.repeat(200))].toSorted(compareKeys),
    )
    assert.equal((await store.head(at('y'.repeat(200))))?.metadata['k'], 'w')
  }),

  conformanceCase('keys that no store takes are refused', [], async ({store, at}) => {
    const refused = ['', at('x'.repeat(1025)), at('half \uD800 pair'), at('nul \0 inside')]
    for (const key of refused) {
      await rejects(store.put(key, bytesOf('x'), {mode: CREATE}), 'KEY_INVALID')
    }
  }),
]
