import {createHash} from 'node:crypto'
import {describe, expect, test} from 'vitest'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE, OVERWRITE} from '../../../src/object-store/object-store.js'
import {HALF_A_BODY} from '../../support/strict-s3/index.js'
import {MIB, noise, read, stream, text, useStrictServer} from './support.js'

const s3 = useStrictServer()

describe('what goes over the wire', () => {
  test('a put is one request with its length, its SHA-256 and no trailer', async () => {
    const store = await s3.open()
    const sha256 = createHash('sha256').update('hello').digest()
    await store.put('a', text('hello'), {mode: CREATE, contentType: 'application/x-ndjson', metadata: {to: '5'}})
    await store.put('b', stream(text('hello')), {mode: OVERWRITE})
    expect(s3.server.requests.stats().operations).toEqual({PutObject: 2})
    for (const {headers} of s3.server.requests.of('PutObject')) {
      expect(headers).toMatchObject({
        'content-length': '5',
        'x-amz-checksum-sha256': sha256.toString('base64'),
        'x-amz-content-sha256': sha256.toString('hex'),
      })
      expect(headers).not.toHaveProperty('x-amz-trailer')
      expect(headers).not.toHaveProperty('expect')
    }
    const {sha256: stored} = await store.get('a')
    expect(stored).toBe(sha256.toString('hex'))
  })

  test('encryption, class and owner go with every write and upload, the owner with all else', async () => {
    const store = await s3.open({
      sse: 'aws:kms',
      sseKmsKeyId: 'alias/transcripts',
      storageClass: 'STANDARD_IA',
      expectedBucketOwner: '123456789012',
      limits: {singlePut: 5 * MIB, part: 5 * MIB},
    })
    await store.put('a', text('a'), {mode: CREATE}).catch(() => undefined)
    await store.put('large', noise(6 * MIB), {mode: CREATE}).catch(() => undefined)
    const object = {
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/transcripts',
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-expected-bucket-owner': '123456789012',
    }
    const owner = {'x-amz-expected-bucket-owner': '123456789012'}
    expect(s3.server.requests.of('PutObject')[0]?.headers).toMatchObject(object)
    expect(s3.server.requests.of('CreateMultipartUpload')[0]?.headers).toMatchObject(object)
    await store.head('a').catch(() => undefined)
    await store.delete(['a']).catch(() => undefined)
    for (const {headers} of s3.server.requests.entries) expect(headers).toMatchObject(owner)
  })

  test('the owner of another account is refused by the store', async () => {
    await s3.start({owner: '111111111111'})
    const right = await s3.open({expectedBucketOwner: '111111111111', storageClass: 'STANDARD_IA', sse: 'AES256'})
    const wrong = await s3.open({expectedBucketOwner: '222222222222'})
    await right.put('a', text('a'), {mode: CREATE})
    await right.copy('a', 'b', {mode: CREATE, metadata: {k: 'v'}})
    expect(s3.server.requests.of('CopyObject')[0]?.headers).toMatchObject({
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'AES256',
      'x-amz-expected-bucket-owner': '111111111111',
      'x-amz-source-expected-bucket-owner': '111111111111',
      'x-amz-metadata-directive': 'REPLACE',
    })
    expect(await right.head('b')).toMatchObject({storageClass: 'STANDARD_IA', metadata: {k: 'v'}})
    await expect(wrong.put('c', text('c'), {mode: CREATE})).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  })

  test('auto addressing turns to the host when the endpoint demands it, once, also when a HEAD comes first', async () => {
    s3.server.settings.addressing = 'virtual'
    const store = await s3.open({endpoint: s3.server.virtualEndpoint})
    expect(await store.head('none')).toBeUndefined()
    s3.server.requests.reset()
    await store.put('a', text('a'), {mode: CREATE})
    expect((await listAll(store, {prefix: ''})).objects.map(({key}) => key)).toEqual(['a'])
    expect(s3.server.requests.stats().statuses).toEqual({200: 2})
    const pinned = await s3.open({endpoint: s3.server.virtualEndpoint, addressing: 'path'})
    await expect(pinned.get('a')).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  })
})

describe('faults', () => {
  test('a flipped bit and half a body are seen', async () => {
    const store = await s3.open()
    await store.put('a', noise(200_000), {mode: CREATE})
    s3.server.faults.add({fault: {type: 'corrupt'}, times: 1})
    await expect(store.get('a').then(({body}) => read(body))).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
    s3.server.faults.add({fault: HALF_A_BODY, times: 2})
    await expect(store.get('a').then(({body}) => read(body))).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    const range = {start: 10, end: 100_000}
    await expect(store.get('a', {range}).then(({body}) => read(body))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    })
  })

  test('a range is right where the server sends the checksum of the whole with it', async () => {
    s3.server.settings.checksumOnRanges = true
    const store = await s3.open()
    const bytes = noise(10_000)
    await store.put('a', bytes, {mode: CREATE})
    const {body, size} = await store.get('a', {range: {start: 5000, end: 5100}})
    expect(size).toBe(10_000)
    expect((await read(body)).equals(bytes.subarray(5000, 5100))).toBe(true)
  })
})

describe('bodies left alone', () => {
  test('half-read, unread and cancelled bodies give their sockets back', async () => {
    const store = await s3.open({concurrency: 2})
    await store.put('large', noise(4 * MIB), {mode: CREATE})
    for (let round = 0; round < 4; round++) {
      const half = await store.get('large')
      for await (const chunk of half.body) {
        expect(chunk.byteLength).toBeGreaterThan(0)
        break
      }
      const unread = await store.get('large')
      await unread.body[Symbol.asyncIterator]().return?.()
    }
    expect(await store.head('large')).toMatchObject({size: 4 * MIB})
  })

  test('a body that nobody reads is ended after the idle time', async () => {
    s3.server.store.plant(s3.server.bucket, 'large', noise(8 * MIB))
    const store = await s3.open({concurrency: 1, idleTimeoutMs: 1000})
    const forgotten = await store.get('large')
    expect(await store.head('large')).toMatchObject({size: 8 * MIB})
    await expect(read(forgotten.body)).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  })

  test('an abort in the middle of a body rejects with its reason', async () => {
    const store = await s3.open()
    await store.put('large', noise(4 * MIB), {mode: CREATE})
    const stop = new AbortController()
    const reason = new Error('enough')
    const {body} = await store.get('large', {signal: stop.signal})
    const reading = (async () => {
      for await (const chunk of body) if (chunk.byteLength > 0) stop.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
  })

  test('a queue longer than the sockets waits without timing out', async () => {
    s3.server.settings.latencyMs = 50
    const store = await s3.open({concurrency: 2, connectTimeoutMs: 200})
    const heads = await Promise.all(Array.from({length: 40}, () => store.head('none')))
    expect(heads).toHaveLength(40)
    expect(s3.server.requests.stats().maxConcurrent).toBeLessThanOrEqual(2)
  })
})

test('a copy that lost its metadata in the server is written again with it', async () => {
  const store = await s3.open()
  const bytes = noise(100_000)
  await store.put('a', bytes, {mode: CREATE, metadata: {from: '0'}})
  s3.server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'HeadObject', key: 'b'}})
  const copied = store.copy('a', 'b', {mode: OVERWRITE, metadata: {from: '0', gen: '1'}})
  while (s3.server.requests.count('CopyObject') === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  s3.server.store.plant(s3.server.bucket, 'b', bytes)
  const {etag} = await copied
  expect(s3.server.requests.count('PutObject')).toBe(2)
  expect(await store.head('b')).toMatchObject({etag, size: 100_000, metadata: {from: '0', gen: '1'}})
})

describe('deletes', () => {
  test('go in batches of a thousand; what fails is named, the rest is gone', async () => {
    const store = await s3.open()
    const keys = Array.from({length: 2100}, (_, index) => `k/${index}`)
    await Promise.all(keys.slice(0, 5).map((key) => store.put(key, text(key), {mode: CREATE})))
    s3.server.faults.add({fault: {type: 'error', status: 403, code: 'AccessDenied'}, when: {key: 'k/3'}})
    const {failed, date} = await store.delete(keys)
    expect(failed).toMatchObject([{key: 'k/3', code: 'ACCESS_DENIED'}])
    expect(date % 1000).toBe(0)
    expect(s3.server.requests.count('DeleteObjects')).toBe(3)
    expect((await listAll(store, {prefix: 'k/'})).objects.map(({key}) => key)).toEqual(['k/3'])
  })

  test('go one by one where the server knows no batches', async () => {
    const store = await s3.open()
    await store.put('a', text('a'), {mode: CREATE})
    s3.server.faults.add({
      fault: {type: 'error', status: 501, code: 'NotImplemented'},
      when: {operation: 'DeleteObjects'},
    })
    expect(await store.delete(['a', 'b'])).toMatchObject({failed: []})
    expect(s3.server.requests.count('DeleteObject')).toBe(2)
    expect(await store.head('a')).toBeUndefined()
  })
})

test('the URL for people names the prefix and no credentials', async () => {
  const store = await s3.open({prefix: 'transcripts/'})
  expect(store.url).toBe('s3://test-bucket/transcripts')
})
