import {describe, expect, test} from 'vitest'
import {compareKeys} from '../../../src/object-store/key-order.js'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE} from '../../../src/object-store/object-store.js'
import {DIRECTORY_CLASS, INTERNAL_ERROR} from '../../support/strict-s3/index.js'
import {MIB, noise, text, useStrictServer} from './support.js'

const s3 = useStrictServer({directoryBucket: true})

async function filled(...keys: readonly string[]) {
  const store = await s3.open()
  for (const key of keys) await store.put(key, text(key), {mode: CREATE})
  return store
}

describe('a directory bucket', () => {
  test('lists without order, and knows no startAfter', async () => {
    const keys = Array.from({length: 20}, (_, index) => `p/${index}`)
    const store = await filled(...keys)
    expect(store.traits.sortedListing).toBe(false)
    const seen: string[] = []
    for await (const page of store.list({prefix: 'p/', pageSize: 7})) seen.push(...page.objects.map(({key}) => key))
    expect(seen).not.toEqual(keys.toSorted(compareKeys))
    expect(seen.toSorted(compareKeys)).toEqual(keys.toSorted(compareKeys))
    await expect(listAll(store, {prefix: 'p/', startAfter: 'p/1'})).rejects.toMatchObject({code: 'UNSUPPORTED'})
    expect((await listAll(store, {prefix: 'p/'})).objects.map(({key}) => key)).toEqual(keys.toSorted(compareKeys))
  })

  test.each([
    ['p/a', undefined, ['p/a', 'p/a-x', 'p/a/1', 'p/ab/2'], []],
    ['p/a', '/', ['p/a', 'p/a-x'], ['p/a/', 'p/ab/']],
    ['q', '/', [], ['q/']],
    ['', '/', ['top'], ['p/', 'q/']],
    ['p/zz', undefined, [], []],
  ] as const)('lists the prefix %j with the delimiter %s by its folder', async (prefix, delimiter, keys, prefixes) => {
    const store = await filled('p/a', 'p/a-x', 'p/a/1', 'p/ab/2', 'p/b', 'q/1', 'top')
    const listing = await listAll(store, {prefix, ...(delimiter === undefined ? {} : {delimiter}), pageSize: 2})
    expect(listing.objects.map(({key}) => key)).toEqual(keys)
    expect(listing.prefixes).toEqual(prefixes)
    for (const request of s3.server.requests.of('ListObjectsV2')) expect(request.status).toBe(200)
  })

  test('a listing that breaks goes on with its token', async () => {
    const keys = Array.from({length: 9}, (_, index) => `p/${index}`)
    await filled(...keys)
    const {store} = await s3.openRetrying()
    s3.server.faults.add({fault: INTERNAL_ERROR, when: {operation: 'ListObjectsV2'}, skip: 2, times: 2})
    s3.server.requests.reset()
    expect((await listAll(store, {prefix: 'p/', pageSize: 3})).objects.map(({key}) => key)).toEqual(keys)
    expect(s3.server.requests.count('ListObjectsV2')).toBe(5)
  })

  test('is signed for as s3express, without a session, at an endpoint of one’s own', async () => {
    const store = await filled('a')
    expect(await store.head('a')).toMatchObject({storageClass: DIRECTORY_CLASS})
    expect(s3.server.requests.stats().operations).toEqual({PutObject: 1, HeadObject: 1})
    const wrong = await s3.open({bucket: s3.server.bucket, region: 'eu-west-1'})
    await expect(wrong.get('a')).rejects.toMatchObject({code: 'BUCKET_NOT_FOUND'})
  })

  test('an upload in parts, joined under the condition, with an ETag that is no digest', async () => {
    const store = await s3.open({limits: {singlePut: 5 * MIB, part: 5 * MIB}})
    const {etag} = await store.put('large', noise(11 * MIB), {mode: CREATE})
    await expect(store.put('large', noise(11 * MIB), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    await store.put('large', noise(12 * MIB), {mode: {type: 'update', etag}})
    expect(await store.head('large')).toMatchObject({size: 12 * MIB})
  })

  test('keys that no batch takes are deleted one by one', async () => {
    const store = await filled('a', 'bell\u0007', 'line\nbreak')
    expect(await store.delete(['a', 'bell\u0007', 'line\nbreak'])).toMatchObject({failed: []})
    expect(s3.server.store.keys(s3.server.bucket)).toEqual([])
  })
})
