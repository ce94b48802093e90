import assert from 'node:assert/strict'
import {listAll} from '../list-all.js'
import {CREATE, OVERWRITE} from '../object-store.js'
import {bytesOf, pattern, read, readText, rejects, sameBytes, times} from './support.js'
import {conformanceCase} from './target.js'

export const deletingCases = [
  conformanceCase('delete of what is there and what is not', [], async ({store, at}) => {
    await store.put(at('a'), bytesOf('1'), {mode: CREATE})
    await store.put(at('b/c'), bytesOf('1'), {mode: CREATE})
    const result = await store.delete([at('a'), at('b/c'), at('missing'), at('missing/too')])
    assert.deepEqual(result.failed, [])
    assert.ok(Number.isSafeInteger(result.date))
    assert.deepEqual((await store.delete([at('a')])).failed, [])
    assert.deepEqual((await store.delete([])).failed, [])
    const {objects, prefixes} = await listAll(store, {prefix: at(''), delimiter: '/'})
    assert.deepEqual([objects, prefixes], [[], []])
  }),

  conformanceCase('an older version never shines through', [], async ({store, at}) => {
    const key = at('a')
    for (const text of ['1', '2', '3']) await store.put(key, bytesOf(text), {mode: OVERWRITE})
    await store.delete([key])
    assert.equal(await store.head(key), undefined)
    assert.deepEqual((await listAll(store, {prefix: at('')})).objects, [])
    await store.put(key, bytesOf('new'), {mode: OVERWRITE})
    assert.equal(await readText(store, key), 'new')
    assert.equal((await listAll(store, {prefix: at('')})).objects.length, 1)
  }),

  conformanceCase('delete of 2,500', ['large'], async ({store, at}) => {
    const keys = Array.from({length: 2500}, (_, index) => at(`many/${String(index).padStart(5, '0')}`))
    await times(keys.length, 32, async (index) => store.put(keys[index] ?? '', bytesOf(`${index}`), {mode: CREATE}))
    const before = await listAll(store, {prefix: at('many/')})
    assert.deepEqual(
      before.objects.map(({key}) => key),
      keys,
    )
    assert.deepEqual((await store.delete(keys)).failed, [])
    assert.deepEqual((await listAll(store, {prefix: at('')})).objects, [])
  }),

  conformanceCase('copy in every mode', ['conditions'], async ({store, at}) => {
    const bytes = pattern(123_456)
    await store.put(at('source'), bytes, {mode: CREATE, metadata: {of: 'source'}})
    const first = await store.copy(at('source'), at('target'), {mode: CREATE, metadata: {of: 'target'}})
    const head = await store.head(at('target'))
    assert.equal(head?.etag, first.etag)
    assert.deepEqual({...head?.metadata}, {of: 'target'})
    sameBytes(await read(store, at('target')), bytes, 'copied')
    await rejects(store.copy(at('source'), at('target'), {mode: CREATE}), 'OBJECT_EXISTS')
    await store.put(at('other'), bytesOf('other'), {mode: CREATE})
    const second = await store.copy(at('other'), at('target'), {mode: {type: 'update', etag: first.etag}})
    await rejects(store.copy(at('source'), at('target'), {mode: {type: 'update', etag: first.etag}}), 'OBJECT_CHANGED')
    assert.equal(await readText(store, at('target')), 'other')
    assert.deepEqual({...(await store.head(at('target')))?.metadata}, {})
    await store.copy(at('source'), at('target'), {mode: OVERWRITE})
    assert.notEqual((await store.head(at('target')))?.etag, second.etag)
    await rejects(store.copy(at('missing'), at('elsewhere'), {mode: OVERWRITE}), 'OBJECT_NOT_FOUND')
    assert.equal(await store.head(at('elsewhere')), undefined)
    sameBytes(await read(store, at('source')), bytes, 'source')
  }),
]
