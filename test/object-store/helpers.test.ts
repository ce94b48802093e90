import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {compareKeys} from '../../src/object-store/key-order.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type ListPage, type ObjectStore} from '../../src/object-store/object-store.js'
import {readObject} from '../../src/object-store/read-object.js'

function object(key: string) {
  return {key, size: 1, etag: key, modified: 5}
}

describe('helpers beside the port', () => {
  test('keys compare as their UTF-8 bytes do', () => {
    const key = fc.string({unit: 'binary'})
    expect(() =>
      fc.assert(
        fc.property(
          key,
          key,
          (a, b) => Math.sign(compareKeys(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b)),
        ),
      ),
    ).not.toThrow()
    expect(compareKeys('\u{1F600}', '\uFB00')).toBeGreaterThan(0)
  })

  test('a listing in any order, with repeats, comes out sorted and once, dated by its first page', async () => {
    const pages: ListPage[] = [
      {objects: [object('b'), object('\u{1F600}')], prefixes: ['z/'], date: 10},
      {objects: [object('\uFB00'), object('b'), object('a')], prefixes: ['c/', 'z/'], date: 20},
    ]
    const unsorted = {
      async *list() {
        yield* pages
      },
    } as unknown as ObjectStore
    const {objects, prefixes, date} = await listAll(unsorted, {prefix: ''})
    expect(objects.map(({key}) => key)).toEqual(['a', 'b', '\uFB00', '\u{1F600}'])
    expect(prefixes).toEqual(['c/', 'z/'])
    expect(date).toBe(10)
  })

  test('a small object comes whole, a large one is refused before it is read', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await store.put('a', new Uint8Array(1000).fill(7), {mode: CREATE, metadata: {k: 'v'}})
    const whole = await readObject(store, 'a', {limit: 1000})
    expect(whole?.bytes.byteLength).toBe(1000)
    expect(whole?.metadata).toEqual({k: 'v'})
    expect(whole).not.toHaveProperty('body')
    expect(await readObject(store, 'missing', {limit: 1})).toBeUndefined()
    await expect(readObject(store, 'a', {limit: 999})).rejects.toMatchObject({
      code: 'OBJECT_TOO_LARGE',
      details: {key: 'a', size: 1000, limit: 999},
    })
    const range = await readObject(store, 'a', {limit: 10, range: {start: 990, end: 2000}})
    expect(range?.bytes.byteLength).toBe(10)
  })
})
