import assert from 'node:assert/strict'
import {hasCode} from '../../base/errors.js'
import {METADATA_LIMIT} from '../metadata.js'
import {CREATE, OVERWRITE} from '../object-store.js'
import {bytesOf, pattern, read, readText, rejects, sameBytes, times} from './support.js'
import {conformanceCase} from './target.js'

export const readingCases = [
  conformanceCase('what is not there', [], async ({store, at}) => {
    assert.equal(await store.head(at('a')), undefined)
    await rejects(store.get(at('a')), 'OBJECT_NOT_FOUND')
    await rejects(store.get(at('a'), {range: {start: 0, end: 1}}), 'OBJECT_NOT_FOUND')
  }),

  conformanceCase('head, get and list tell the same', [], async ({store, at}) => {
    const key = at('folder/a')
    const put = await store.put(key, bytesOf('12345'), {mode: CREATE, contentType: 'application/x-ndjson'})
    const head = await store.head(key)
    const content = await store.get(key)
    for await (const chunk of content.body) assert.ok(chunk)
    for (const seen of [head, content]) {
      assert.equal(seen?.key, key)
      assert.equal(seen?.size, 5)
      assert.equal(seen?.etag, put.etag)
      assert.equal(seen?.contentType, 'application/x-ndjson')
    }
    for await (const page of store.list({prefix: at('')})) {
      for (const object of page.objects) {
        assert.equal(object.key, key)
        assert.equal(object.size, 5)
        assert.equal(object.etag, put.etag)
        assert.ok(Math.abs(object.modified - content.modified) <= 1000)
      }
    }
  }),

  conformanceCase('ranges', [], async ({store, at}) => {
    const bytes = pattern(1000)
    await store.put(at('a'), bytes, {mode: CREATE})
    const ranges: [number, number | undefined][] = [
      [0, 1],
      [0, 1000],
      [10, 20],
      [999, undefined],
      [500, 5000],
      [0, undefined],
    ]
    for (const [start, end] of ranges) {
      const range = end === undefined ? {start} : {start, end}
      const content = await store.get(at('a'), {range})
      assert.equal(content.size, 1000, 'size is the whole object’s')
      const chunks: Uint8Array[] = []
      for await (const chunk of content.body) chunks.push(chunk)
      sameBytes(Buffer.concat(chunks), bytes.subarray(start, end), `range ${start}-${end}`)
    }
    await rejects(read(store, at('a'), {range: {start: 1000}}), 'RANGE_INVALID')
    await rejects(read(store, at('a'), {range: {start: 5000, end: 6000}}), 'RANGE_INVALID')
  }),

  conformanceCase('an empty object', [], async ({store, at}) => {
    await store.put(at('a'), new Uint8Array(), {mode: CREATE, metadata: {kind: 'empty'}})
    const head = await store.head(at('a'))
    assert.equal(head?.size, 0)
    assert.equal((await read(store, at('a'))).byteLength, 0)
    await rejects(read(store, at('a'), {range: {start: 0}}), 'RANGE_INVALID')
  }),

  conformanceCase('get with ifMatch', [], async ({store, at}) => {
    const first = await store.put(at('a'), bytesOf('one'), {mode: OVERWRITE})
    assert.equal(await readText(store, at('a'), {ifMatch: first.etag}), 'one')
    const second = await store.put(at('a'), bytesOf('two'), {mode: OVERWRITE})
    await rejects(read(store, at('a'), {ifMatch: first.etag}), 'OBJECT_CHANGED')
    assert.equal(await readText(store, at('a'), {ifMatch: second.etag, range: {start: 1}}), 'wo')
  }),

  conformanceCase('a body can be left early', [], async ({store, at}) => {
    const bytes = pattern(2_000_000)
    await store.put(at('a'), bytes, {mode: CREATE})
    await times(20, 4, async () => {
      const {body} = await store.get(at('a'))
      for await (const chunk of body) {
        assert.ok(chunk.byteLength > 0)
        break
      }
    })
    sameBytes(await read(store, at('a')), bytes, 'after that')
  }),

  conformanceCase('readers see whole versions while it is overwritten', [], async ({store, at, another}) => {
    const versions = [pattern(150_000, 1), pattern(90_000, 2), pattern(200_000, 3)]
    const key = at('a')
    await store.put(key, versions[0] ?? new Uint8Array(), {mode: OVERWRITE})
    const writer = {client: await another(), done: false}
    const reading = times(3, 3, async () => {
      while (!writer.done) {
        // A body that broke cannot be resumed once its version is gone: then it rejects, and is read anew.
        const seen = await read(store, key).catch((error: unknown) => {
          if (!hasCode(error, 'OBJECT_CHANGED')) throw error
        })
        if (seen === undefined) continue
        assert.ok(
          versions.some((version) => Buffer.from(seen).equals(version)),
          `a mixture of ${seen.byteLength} bytes`,
        )
      }
    })
    const written = times(12, 1, async (index) => {
      const version = versions[index % versions.length] ?? new Uint8Array()
      await writer.client.put(key, version, {mode: OVERWRITE})
    }).finally(() => {
      writer.done = true
    })
    await Promise.all([reading, written])
  }),

  conformanceCase('metadata comes back', ['metadata'], async ({store, at}) => {
    const metadata = {reprise: '1', from: '0', 'with-dash': 'a b=c;d,e "f" %20 ~', machine: 'x'.repeat(128)}
    await store.put(at('a'), bytesOf('x'), {mode: CREATE, metadata})
    assert.deepEqual({...(await store.head(at('a')))?.metadata}, metadata)
    const content = await store.get(at('a'), {range: {start: 0, end: 1}})
    for await (const chunk of content.body) assert.ok(chunk)
    assert.deepEqual({...content.metadata}, metadata)
    const most = {k: 'v'.repeat(METADATA_LIMIT - 1)}
    await store.put(at('b'), bytesOf('x'), {mode: CREATE, metadata: most})
    assert.deepEqual({...(await store.head(at('b')))?.metadata}, most)
  }),

  conformanceCase('metadata that a server would lose is refused', [], async ({store, at}) => {
    const refused: Record<string, string>[] = [
      {a: ''},
      {a: 'ü'},
      {a: 'line\nbreak'},
      {a: ' padded'},
      {Upper: 'x'},
      {'with space': 'x'},
      {a: 'x'.repeat(METADATA_LIMIT)},
    ]
    for (const metadata of refused) {
      await rejects(store.put(at('a'), bytesOf('x'), {mode: CREATE, metadata}), 'METADATA_INVALID')
    }
    assert.equal(await store.head(at('a')), undefined)
  }),

  conformanceCase('corruption is noticed', [], async ({store, at, corrupt}) => {
    if (corrupt === undefined) return
    const bytes = pattern(400_000)
    await store.put(at('a'), bytes, {mode: CREATE, metadata: {k: 'v'}})
    await corrupt(at('a'))
    await rejects(read(store, at('a')), 'CHECKSUM_MISMATCH')
  }),
]
