import assert from 'node:assert/strict'
import {hasCode} from '../../base/errors.js'
import {listAll} from '../list-all.js'
import {CREATE, type JoinSource, OVERWRITE} from '../object-store.js'
import {bytesOf, decided, pattern, read, readText, rejects, sameBytes, streamed, times} from './support.js'
import {conformanceCase, type Scope} from './target.js'

const MIB = 1024 * 1024

/** @returns the objects as a listing shows them. */
async function sourcesOf({store, at}: Scope, contents: readonly Uint8Array[]): Promise<JoinSource[]> {
  const sources: JoinSource[] = []
  await times(contents.length, 16, async (index) => {
    const bytes = contents[index] ?? new Uint8Array()
    const key = at(`sources/${String(index).padStart(4, '0')}`)
    const {etag} = await store.put(key, bytes, {mode: CREATE, metadata: {of: 'source'}})
    sources[index] = {key, size: bytes.byteLength, etag}
  })
  return sources
}

/** 24 MB of which a store may copy the most by itself: large after small, small after large, two large ones that touch. */
const LARGE = [1_000, 6 * MIB + 17, 40_000, 0, 3 * MIB, 8 * MIB, 6 * MIB, 99].map((size, seed) =>
  pattern(size, seed + 1),
)

export const joiningCases = [
  conformanceCase('a join has its bytes in order, and its own metadata', ['metadata'], async (scope) => {
    const {store, at} = scope
    const contents = ['one\n', '', 'two\n', 'a third\n'].map((text) => bytesOf(text))
    const sources = await sourcesOf(scope, contents)
    const metadata = {from: '0', to: '16'}
    const {etag, date} = await store.join([...sources, ...sources.slice(0, 1)], at('joined'), {
      mode: CREATE,
      metadata,
      contentType: 'application/x-ndjson',
    })
    assert.ok(Number.isSafeInteger(date))
    assert.equal(await readText(store, at('joined')), 'one\ntwo\na third\none\n')
    const head = await store.head(at('joined'))
    assert.equal(head?.etag, etag)
    assert.equal(head?.contentType, 'application/x-ndjson')
    assert.deepEqual({...head?.metadata}, metadata)
    assert.deepEqual({...(await store.head(sources[0]?.key ?? ''))?.metadata}, {of: 'source'})
  }),

  conformanceCase('a join of one, of none and of nothing but empty objects', [], async (scope) => {
    const {store, at} = scope
    const [one, empty] = await sourcesOf(scope, [bytesOf('alone\n'), new Uint8Array()])
    assert.ok(one && empty)
    await store.join([one], at('one'), {mode: CREATE})
    assert.equal(await readText(store, at('one')), 'alone\n')
    await store.join([], at('none'), {mode: CREATE})
    await store.join([empty, empty], at('empty'), {mode: CREATE})
    assert.equal((await store.head(at('none')))?.size, 0)
    assert.equal((await store.head(at('empty')))?.size, 0)
  }),

  conformanceCase('join in every mode', ['conditions'], async (scope) => {
    const {store, at} = scope
    const [a, b] = await sourcesOf(scope, [bytesOf('a'), bytesOf('b')])
    assert.ok(a && b)
    const first = await store.join([a, b], at('target'), {mode: CREATE})
    await rejects(store.join([b, a], at('target'), {mode: CREATE}), 'OBJECT_EXISTS')
    const second = await store.join([b, a], at('target'), {mode: {type: 'update', etag: first.etag}})
    assert.equal(await readText(store, at('target')), 'ba')
    await rejects(store.join([a, b], at('target'), {mode: {type: 'update', etag: first.etag}}), 'OBJECT_CHANGED')
    await rejects(store.join([a, b], at('other'), {mode: {type: 'update', etag: second.etag}}), 'OBJECT_CHANGED')
    assert.equal(await readText(store, at('target')), 'ba')
    await store.join([a, a], at('target'), {mode: OVERWRITE})
    assert.equal(await readText(store, at('target')), 'aa')
    assert.equal(await store.head(at('other')), undefined)
  }),

  conformanceCase('a source that is gone or has changed fails a join, which leaves nothing', [], async (scope) => {
    const {store, at} = scope
    const [a, b] = await sourcesOf(scope, [bytesOf('a'), bytesOf('b')])
    assert.ok(a && b)
    const missing = {key: at('sources/missing'), size: 1, etag: b.etag}
    await rejects(store.join([a, missing], at('joined'), {mode: CREATE}), 'OBJECT_NOT_FOUND')
    await store.put(a.key, bytesOf('B'), {mode: OVERWRITE})
    await rejects(store.join([b, a], at('joined'), {mode: CREATE}), 'OBJECT_CHANGED')
    assert.equal(await store.head(at('joined')), undefined)
  }),

  conformanceCase('a large join, of small objects and large ones', ['large'], async (scope) => {
    const {store, at} = scope
    const sources = await sourcesOf(scope, LARGE)
    const steps = {moved: 0, copied: 0}
    await store.join(sources, at('joined'), {
      mode: CREATE,
      onProgress({moved, copied}) {
        steps.moved += moved
        steps.copied += copied
      },
    })
    sameBytes(await read(store, at('joined')), Buffer.concat(LARGE), 'joined')
    const size = sources.reduce((sum, source) => sum + source.size, 0)
    assert.equal(steps.moved + steps.copied, size, 'every byte is told once')
  }),

  conformanceCase('a large join meets an object', ['large', 'conditions', 'metadata'], async (scope) => {
    const {store, at} = scope
    const sources = await sourcesOf(scope, LARGE)
    const {etag} = await store.put(at('joined'), bytesOf('small'), {mode: CREATE})
    await rejects(store.join(sources, at('joined'), {mode: CREATE}), 'OBJECT_EXISTS')
    await rejects(store.join(sources, at('joined'), {mode: {type: 'update', etag: `${etag}0`}}), 'OBJECT_CHANGED')
    assert.equal(await readText(store, at('joined')), 'small')
    const metadata = {from: '0', to: 'the end'}
    const contentType = 'application/x-ndjson'
    const joined = await store.join(sources, at('joined'), {mode: {type: 'update', etag}, metadata, contentType})
    sameBytes(await read(store, at('joined')), Buffer.concat(LARGE), 'joined')
    const head = await store.head(at('joined'))
    assert.deepEqual([head?.etag, head?.contentType], [joined.etag, contentType])
    assert.deepEqual({...head?.metadata}, metadata)
  }),

  conformanceCase('a large source that is gone or has changed fails a join', ['large'], async (scope) => {
    const {store, at} = scope
    const sources = await sourcesOf(scope, LARGE)
    const largest = sources[5]?.key ?? ''
    await store.put(largest, streamed(pattern(8 * MIB, 77)), {mode: OVERWRITE})
    await rejects(store.join(sources, at('joined'), {mode: CREATE}), 'OBJECT_CHANGED')
    await store.delete([largest])
    await rejects(store.join(sources, at('joined'), {mode: CREATE}), 'OBJECT_NOT_FOUND')
    assert.deepEqual((await listAll(store, {prefix: at('joined')})).objects, [])
  }),

  conformanceCase('a join of 1,000', ['large'], async (scope) => {
    const {store, at} = scope
    const contents = Array.from({length: 1000}, (_, index) => pattern(20_000 + index, index + 1))
    const sources = await sourcesOf(scope, contents)
    await store.join(sources, at('joined'), {mode: CREATE})
    sameBytes(await read(store, at('joined')), Buffer.concat(contents), 'joined')
  }),

  conformanceCase('racing joins of one name have one winner', ['conditions', 'races'], async (scope) => {
    const {at, another} = scope
    const sources = await sourcesOf(scope, [bytesOf('a'), bytesOf('b')])
    const clients = await Promise.all(Array.from({length: 6}, another))
    const won: string[] = []
    await Promise.all(
      clients.map(async (client, index) => {
        try {
          const options = {mode: CREATE, metadata: {by: String(index)}}
          await decided(async () => client.join(sources, at('joined'), options))
          won.push(String(index))
        } catch (error) {
          if (!hasCode(error, 'OBJECT_EXISTS')) throw error
        }
      }),
    )
    assert.deepEqual([(await scope.store.head(at('joined')))?.metadata['by']], won)
    assert.equal(await readText(scope.store, at('joined')), 'ab')
  }),
]
