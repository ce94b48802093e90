import assert from 'node:assert/strict'
import {CREATE, OVERWRITE} from '../object-store.js'
import {bytesOf, pattern, read, readText, rejects, sameBytes, streamed} from './support.js'
import {conformanceCase} from './target.js'

export const writingCases = [
  conformanceCase('create writes once', ['conditions'], async ({store, at}) => {
    const key = at('a')
    const {etag} = await store.put(key, bytesOf('first'), {mode: CREATE})
    await rejects(store.put(key, bytesOf('second'), {mode: CREATE}), 'OBJECT_EXISTS')
    await rejects(store.put(key, bytesOf('first'), {mode: CREATE}), 'OBJECT_EXISTS')
    assert.equal(await readText(store, key), 'first')
    assert.equal((await store.head(key))?.etag, etag)
  }),

  conformanceCase('update needs the etag that is there', ['conditions'], async ({store, at}) => {
    const key = at('a')
    const first = await store.put(key, bytesOf('1'), {mode: CREATE})
    const second = await store.put(key, bytesOf('2'), {mode: {type: 'update', etag: first.etag}})
    assert.notEqual(second.etag, first.etag)
    await rejects(store.put(key, bytesOf('3'), {mode: {type: 'update', etag: first.etag}}), 'OBJECT_CHANGED')
    assert.equal(await readText(store, key), '2')
    await store.put(key, bytesOf('three'), {mode: {type: 'update', etag: second.etag}})
    assert.equal(await readText(store, key), 'three')
  }),

  conformanceCase('update of a missing object creates nothing', ['conditions'], async ({store, at}) => {
    const {etag} = await store.put(at('other'), bytesOf('x'), {mode: CREATE})
    await rejects(store.put(at('a'), bytesOf('x'), {mode: {type: 'update', etag}}), 'OBJECT_CHANGED')
    assert.equal(await store.head(at('a')), undefined)
  }),

  conformanceCase('create after delete, update after delete', ['conditions'], async ({store, at}) => {
    const key = at('a')
    const first = await store.put(key, bytesOf('1'), {mode: CREATE, metadata: {n: '1'}})
    const second = await store.put(key, bytesOf('2'), {mode: {type: 'update', etag: first.etag}})
    await store.delete([key])
    assert.equal(await store.head(key), undefined)
    await rejects(store.put(key, bytesOf('3'), {mode: {type: 'update', etag: second.etag}}), 'OBJECT_CHANGED')
    const third = await store.put(key, bytesOf('1'), {mode: CREATE, metadata: {n: '3'}})
    assert.deepEqual((await store.head(key))?.metadata, {n: '3'})
    await rejects(store.put(key, bytesOf('4'), {mode: CREATE}), 'OBJECT_EXISTS')
    await store.put(key, bytesOf('5'), {mode: {type: 'update', etag: third.etag}})
    assert.equal(await readText(store, key), '5')
  }),

  conformanceCase('overwrite takes whatever is there', [], async ({store, at}) => {
    const key = at('a')
    await store.put(key, bytesOf('a longer first'), {mode: OVERWRITE, metadata: {v: '1'}})
    await store.put(key, bytesOf('second'), {mode: OVERWRITE})
    await store.put(key, bytesOf(''), {mode: OVERWRITE})
    const {etag} = await store.put(key, bytesOf('last'), {mode: OVERWRITE})
    assert.equal(await readText(store, key), 'last')
    const head = await store.head(key)
    assert.equal(head?.etag, etag)
    assert.equal(head?.size, 4)
    assert.deepEqual(head?.metadata, {})
  }),

  conformanceCase('a body is copied when it is taken', [], async ({store, at}) => {
    const bytes = bytesOf('before')
    await store.put(at('a'), bytes, {mode: CREATE})
    bytes.fill(0x78)
    const seen = await read(store, at('a'))
    seen.fill(0x79)
    assert.equal(await readText(store, at('a')), 'before')
  }),

  conformanceCase('a streamed body can be opened for each write', [], async ({store, at}) => {
    const bytes = pattern(300_000)
    const body = streamed(bytes)
    await store.put(at('a'), body, {mode: CREATE})
    await store.put(at('b'), body, {mode: CREATE})
    assert.ok(body.opened() >= 2)
    sameBytes(await read(store, at('a')), bytes, 'first')
    sameBytes(await read(store, at('b')), bytes, 'second')
    const empty = streamed(new Uint8Array())
    await store.put(at('empty'), empty, {mode: CREATE})
    assert.equal((await store.head(at('empty')))?.size, 0)
  }),

  conformanceCase('a body that breaks leaves nothing', [], async ({store, at}) => {
    const broken = {
      size: 200_000,
      async *open() {
        yield pattern(100_000)
        throw new Error('the source broke')
      },
    }
    await assert.rejects(store.put(at('a'), broken, {mode: CREATE}))
    assert.equal(await store.head(at('a')), undefined)
  }),

  conformanceCase('20 MB both ways', ['large'], async ({store, at}) => {
    const bytes = pattern(20 * 1024 * 1024 + 17)
    const {etag} = await store.put(at('big'), streamed(bytes, 1_000_003), {mode: CREATE})
    const head = await store.head(at('big'))
    assert.equal(head?.size, bytes.byteLength)
    assert.equal(head?.etag, etag)
    sameBytes(await read(store, at('big')), bytes, 'whole')
    const range = {start: 9_999_999, end: 12_000_001}
    sameBytes(await read(store, at('big'), {range}), bytes.subarray(range.start, range.end), 'range')
  }),

  conformanceCase('a large create meets an object', ['large', 'conditions'], async ({store, at}) => {
    await store.put(at('big'), bytesOf('small'), {mode: CREATE})
    await rejects(store.put(at('big'), streamed(pattern(20 * 1024 * 1024)), {mode: CREATE}), 'OBJECT_EXISTS')
    assert.equal(await readText(store, at('big')), 'small')
  }),

  conformanceCase('dates come from one clock', [], async ({store, at}) => {
    const first = await store.put(at('a'), bytesOf('1'), {mode: CREATE})
    const head = await store.head(at('a'))
    const second = await store.put(at('b'), bytesOf('2'), {mode: CREATE})
    assert.ok(head)
    for (const date of [first.date, head.date, head.modified, second.date]) assert.ok(Number.isSafeInteger(date))
    // Servers answer in whole seconds.
    assert.ok(head.modified <= head.date + 1000, 'modified lies in the future')
    assert.ok(Math.abs(head.modified - first.date) <= 5000, 'modified and the date of the answer differ')
    assert.ok(second.date >= first.date - 1000, 'the clock went back')
  }),

  conformanceCase('an abort rejects promptly', [], async ({store, at}) => {
    const signal = AbortSignal.abort(new Error('enough'))
    const key = at('a')
    await assert.rejects(store.put(key, bytesOf('x'), {mode: CREATE, signal}))
    assert.equal(await store.head(key), undefined)
    await store.put(key, bytesOf('x'), {mode: CREATE})
    await assert.rejects(store.head(key, {signal}))
    await assert.rejects(read(store, key, {signal}))
    await assert.rejects(store.copy(key, at('b'), {mode: CREATE, signal}))
    await assert.rejects(store.delete([key], {signal}))
    await assert.rejects(async () => {
      for await (const page of store.list({prefix: at(''), signal})) assert.ok(page)
    })
    assert.equal(await readText(store, key), 'x')
  }),

  conformanceCase('close is idempotent', [], async ({another}) => {
    const store = await another()
    await store.close()
    await store.close()
  }),
]
