import {createHash} from 'node:crypto'
import {crc32} from 'node:zlib'
import {afterEach, beforeEach, describe, expect, test, vi} from 'vitest'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE, type ObjectStore, OVERWRITE, type PutMode} from '../../../src/object-store/object-store.js'
import type {S3StoreOptions} from '../../../src/object-store/s3/options.js'
import {
  ANSWER_LOST,
  HALF_A_BODY,
  INTERNAL_ERROR,
  SLOW_DOWN,
  startStrictS3,
  type StrictS3,
} from '../../support/strict-s3/index.js'
import {openAt} from './support.js'

const MIB = 1024 * 1024
const text = (value: string) => new TextEncoder().encode(value)

async function read(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let index = 0; index < size; index += 4) bytes.writeUInt32LE(Math.imul(index + 1, 2_654_435_761) >>> 0, index)
  return bytes
}

function stream(bytes: Uint8Array, piece = 100_003) {
  return {
    size: bytes.byteLength,
    async *open() {
      for (let start = 0; start < bytes.byteLength; start += piece) yield bytes.subarray(start, start + piece)
    },
  }
}

let server: StrictS3
const stores: ObjectStore[] = []
async function open(more: Partial<S3StoreOptions> = {}) {
  const store = await openAt(server, {attempts: 3, ...more})
  stores.push(store)
  return store
}

beforeEach(async () => {
  server = await startStrictS3()
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  await server.close()
})

describe('what goes over the wire', () => {
  test('a put is one request with its length, its SHA-256 and no trailer', async () => {
    const store = await open()
    const sha256 = createHash('sha256').update('hello').digest()
    await store.put('a', text('hello'), {mode: CREATE, contentType: 'application/x-ndjson', metadata: {to: '5'}})
    await store.put('b', stream(text('hello')), {mode: OVERWRITE})
    expect(server.requests.stats().operations).toEqual({PutObject: 2})
    for (const {headers} of server.requests.of('PutObject')) {
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
    const store = await open({
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
    expect(server.requests.of('PutObject')[0]?.headers).toMatchObject(object)
    expect(server.requests.of('CreateMultipartUpload')[0]?.headers).toMatchObject(object)
    await store.head('a').catch(() => undefined)
    await store.delete(['a']).catch(() => undefined)
    for (const {headers} of server.requests.entries) expect(headers).toMatchObject(owner)
  })

  test('the owner of another account is refused by the store', async () => {
    await server.close()
    server = await startStrictS3({owner: '111111111111'})
    const right = await open({expectedBucketOwner: '111111111111', storageClass: 'STANDARD_IA', sse: 'AES256'})
    const wrong = await open({expectedBucketOwner: '222222222222'})
    await right.put('a', text('a'), {mode: CREATE})
    await right.copy('a', 'b', {mode: CREATE, metadata: {k: 'v'}})
    expect(server.requests.of('CopyObject')[0]?.headers).toMatchObject({
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
    server.settings.addressing = 'virtual'
    const store = await open({endpoint: server.virtualEndpoint})
    expect(await store.head('none')).toBeUndefined()
    server.requests.reset()
    await store.put('a', text('a'), {mode: CREATE})
    expect((await listAll(store, {prefix: ''})).objects.map(({key}) => key)).toEqual(['a'])
    expect(server.requests.stats().statuses).toEqual({200: 2})
    const pinned = await open({endpoint: server.virtualEndpoint, addressing: 'path'})
    await expect(pinned.get('a')).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  })
})

describe('faults', () => {
  test('throttling and server errors are tried again', async () => {
    const store = await open()
    server.faults.add({fault: SLOW_DOWN, times: 1})
    server.faults.add({fault: INTERNAL_ERROR, times: 1})
    await store.put('a', text('a'), {mode: CREATE})
    expect(server.requests.count('PutObject')).toBe(3)
  })

  test('a put that landed before its answer was lost is no conflict', async () => {
    const store = await open()
    server.faults.add({fault: ANSWER_LOST, times: 1})
    const {etag} = await store.put('a', text('a'), {mode: CREATE, metadata: {who: 'me'}})
    server.faults.add({fault: ANSWER_LOST, times: 1})
    const second = await store.put('a', text('b'), {mode: {type: 'update', etag}})
    expect(await store.head('a')).toMatchObject({etag: second.etag})
  })

  test('after a lost answer, the object of another is a conflict', async () => {
    const store = await open()
    await store.put('a', text('same'), {mode: CREATE, metadata: {who: 'other'}})
    server.faults.add({fault: {type: 'reset', at: 'before'}, times: 1})
    await expect(store.put('a', text('same'), {mode: CREATE, metadata: {who: 'me'}})).rejects.toMatchObject({
      code: 'OBJECT_EXISTS',
      details: {retried: true},
    })
  })

  test('a flipped bit and half a body are seen', async () => {
    const store = await open()
    await store.put('a', noise(200_000), {mode: CREATE})
    server.faults.add({fault: {type: 'corrupt'}, times: 1})
    await expect(store.get('a').then(({body}) => read(body))).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
    server.faults.add({fault: HALF_A_BODY, times: 2})
    await expect(store.get('a').then(({body}) => read(body))).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    const range = {start: 10, end: 100_000}
    await expect(store.get('a', {range}).then(({body}) => read(body))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
    })
  })

  test('a range is right where the server sends the checksum of the whole with it', async () => {
    server.settings.checksumOnRanges = true
    const store = await open()
    const bytes = noise(10_000)
    await store.put('a', bytes, {mode: CREATE})
    const {body, size} = await store.get('a', {range: {start: 5000, end: 5100}})
    expect(size).toBe(10_000)
    expect((await read(body)).equals(bytes.subarray(5000, 5100))).toBe(true)
  })
})

describe('bodies left alone', () => {
  test('half-read, unread and cancelled bodies give their sockets back', async () => {
    const store = await open({concurrency: 2})
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
    const store = await open({concurrency: 1, idleTimeoutMs: 300})
    await store.put('large', noise(8 * MIB), {mode: CREATE})
    const forgotten = await store.get('large')
    expect(await store.head('large')).toMatchObject({size: 8 * MIB})
    await expect(read(forgotten.body)).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  })

  test('an abort in the middle of a body rejects with its reason', async () => {
    const store = await open()
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
    server.settings.latencyMs = 50
    const store = await open({concurrency: 2, connectTimeoutMs: 200, attempts: 1})
    const heads = await Promise.all(Array.from({length: 40}, () => store.head('none')))
    expect(heads).toHaveLength(40)
    expect(server.requests.stats().maxConcurrent).toBeLessThanOrEqual(2)
  })
})

describe('large objects', () => {
  const limits = {singlePut: 5 * MIB, part: 5 * MIB}

  test.each([
    ['bytes', (bytes: Buffer) => bytes],
    ['a stream', (bytes: Buffer) => stream(bytes)],
  ])('%s go up in parts, joined under the condition', async (_name, body) => {
    const store = await open({limits})
    const bytes = noise(12 * MIB + 4)
    const {etag} = await store.put('a', body(bytes), {mode: CREATE, metadata: {to: '1'}})
    expect(server.requests.stats().operations).toMatchObject({UploadPart: 3, CompleteMultipartUpload: 1})
    expect(await store.head('a')).toMatchObject({size: bytes.byteLength, metadata: {to: '1'}, etag})
    expect((await read((await store.get('a')).body)).equals(bytes)).toBe(true)
    await expect(store.put('a', body(bytes), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    await expect(store.put('a', body(bytes), {mode: {type: 'update', etag: 'x'}})).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    })
    expect(server.requests.count('AbortMultipartUpload')).toBe(2)
    await store.put('a', body(bytes), {mode: {type: 'update', etag}})
  })

  test('an upload whose body breaks or lies is aborted and leaves nothing', async () => {
    const store = await open({limits})
    const bytes = noise(11 * MIB)
    const broken = {
      size: bytes.byteLength,
      async *open() {
        yield bytes.subarray(0, 9 * MIB)
        throw new Error('disk is gone')
      },
    }
    await expect(store.put('a', broken, {mode: CREATE})).rejects.toThrow('disk is gone')
    const short = {...stream(bytes), size: bytes.byteLength + 1}
    const long = {...stream(bytes), size: bytes.byteLength - 1}
    await expect(store.put('a', short, {mode: CREATE})).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
    await expect(store.put('a', long, {mode: CREATE})).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
    expect(server.requests.count('AbortMultipartUpload')).toBe(3)
    expect(await store.head('a')).toBeUndefined()
  })

  test('a join whose answer was lost counts when the object there is ours', async () => {
    const store = await open({limits})
    server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    const {etag} = await store.put('a', noise(6 * MIB), {mode: OVERWRITE, metadata: {k: 'v'}})
    server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    await store.put('b', noise(6 * MIB), {mode: CREATE})
    expect(await store.head('a')).toMatchObject({etag, metadata: {k: 'v'}})
    const {etag: newer} = await store.head('b').then((head) => head ?? {etag: ''})
    server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    const updated = await store.put('b', stream(noise(7 * MIB)), {mode: {type: 'update', etag: newer}})
    expect(await store.head('b')).toMatchObject({size: 7 * MIB, etag: updated.etag})
  })

  test('an abort in the middle of an upload rejects with its reason', async () => {
    const store = await open({limits})
    const stop = new AbortController()
    const reason = new Error('enough')
    server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'UploadPart'}})
    const put = store.put('a', noise(20 * MIB), {mode: CREATE, signal: stop.signal})
    setTimeout(() => stop.abort(reason), 150)
    await expect(put).rejects.toBe(reason)
    expect(await store.head('a')).toBeUndefined()
  })

  test('each part announces its checksum, the join the whole one and the condition; none is a trailer', async () => {
    server.settings.requireContentLength = true
    const store = await open({limits, expectedBucketOwner: '123456789012', storageClass: 'STANDARD_IA'})
    const bytes = noise(12 * MIB)
    await store.put('a', stream(bytes), {mode: CREATE, metadata: {to: '1'}, contentType: 'application/x-ndjson'})
    expect(await store.head('a')).toMatchObject({metadata: {to: '1'}, contentType: 'application/x-ndjson'})
    const [begin] = server.requests.of('CreateMultipartUpload')
    expect(begin?.headers).toMatchObject({
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-storage-class': 'STANDARD_IA',
    })
    for (const {headers} of server.requests.of('UploadPart')) {
      expect(headers).toHaveProperty('x-amz-checksum-crc32')
      expect(headers).not.toHaveProperty('x-amz-trailer')
      expect(headers).not.toHaveProperty('content-encoding')
    }
    const whole = Buffer.alloc(4)
    whole.writeUInt32BE(crc32(bytes))
    const [join] = server.requests.of('CompleteMultipartUpload')
    expect(join?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-checksum-crc32': whole.toString('base64'),
      'x-amz-checksum-type': 'FULL_OBJECT',
    })
    for (const {headers} of server.requests.entries) {
      expect(headers).toMatchObject({'x-amz-expected-bucket-owner': '123456789012'})
    }
  })

  test('a body that hands out one buffer again and again is refused by the store, not stored wrong', async () => {
    const store = await open({limits})
    const buffer = Buffer.alloc(MIB)
    const body = {
      size: 6 * MIB,
      async *open() {
        for (let round = 0; round < 6; round++) yield buffer.fill(round)
      },
    }
    await expect(store.put('a', body, {mode: CREATE})).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
    expect(await store.head('a')).toBeUndefined()
  })

  test('a part that is refused ends the upload, closes the body and leaves nothing', async () => {
    const store = await open({limits})
    server.faults.add({
      fault: {type: 'error', status: 403, code: 'AccessDenied'},
      when: {operation: 'UploadPart'},
      times: 1,
    })
    let closed = false
    const bytes = noise(MIB)
    const body = {
      size: 100 * MIB,
      async *open() {
        try {
          for (let round = 0; round < 100; round++) yield bytes
        } finally {
          closed = true
        }
      },
    }
    await expect(store.put('a', body, {mode: CREATE})).rejects.toMatchObject({code: 'ACCESS_DENIED'})
    expect(server.requests.count('UploadPart')).toBeLessThan(5)
    expect(server.requests.count('AbortMultipartUpload')).toBe(1)
    await vi.waitFor(() => expect(closed).toBe(true))
  })

  test('a failing abort does not hide what made the upload fail', async () => {
    const store = await open({limits})
    server.faults.add({fault: {type: 'error', status: 403, code: 'AccessDenied'}, when: {operation: 'UploadPart'}})
    server.faults.add({
      fault: {type: 'error', status: 501, code: 'NotImplemented'},
      when: {operation: 'AbortMultipartUpload'},
    })
    await expect(store.put('a', noise(6 * MIB), {mode: CREATE})).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  })

  test('an abort before the upload has its id takes it away all the same', async () => {
    const store = await open({limits})
    const stop = new AbortController()
    const reason = new Error('enough')
    server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'CreateMultipartUpload'}})
    const put = store.put('a', stream(noise(6 * MIB)), {mode: CREATE, signal: stop.signal})
    setTimeout(() => stop.abort(reason), 100)
    await expect(put).rejects.toBe(reason)
    expect(server.requests.count('CreateMultipartUpload')).toBe(0)
    await vi.waitFor(() => expect(server.requests.count('AbortMultipartUpload')).toBe(1), 5_000)
  })

  test('an abort does not wait for a body that hangs', async () => {
    const store = await open({limits})
    const stop = new AbortController()
    const body = {
      size: 6 * MIB,
      async *open() {
        yield noise(MIB)
        await new Promise(() => {})
      },
    }
    setTimeout(() => stop.abort(new Error('enough')), 100)
    await expect(store.put('a', body, {mode: CREATE, signal: stop.signal})).rejects.toThrow('enough')
  })

  test('after a join that did not get through, the object of another is a conflict', async () => {
    const store = await open({limits})
    const bytes = noise(6 * MIB)
    const other = await store.put('a', bytes, {mode: CREATE, metadata: {who: 'other'}})
    const refusedAs = async (mode: PutMode, code: string) => {
      server.faults.add({
        fault: {type: 'reset', at: 'before'},
        when: {operation: 'CompleteMultipartUpload'},
        times: 1,
      })
      await expect(store.put('a', bytes, {mode, metadata: {who: 'me'}})).rejects.toMatchObject({code})
    }
    await refusedAs(CREATE, 'OBJECT_EXISTS')
    await refusedAs({type: 'update', etag: 'x'}, 'OBJECT_CHANGED')
    expect(await store.head('a')).toMatchObject({etag: other.etag, metadata: {who: 'other'}})
  })

  test('objects above the limit of one copy are copied in parts', async () => {
    const store = await open({limits: {...limits, singleCopy: 5 * MIB, copyPart: 5 * MIB}})
    const bytes = noise(12 * MIB)
    await store.put('a', bytes, {mode: CREATE, metadata: {from: '0'}, contentType: 'text/plain'})
    server.requests.reset()
    await store.copy('a', 'folder/ä b', {mode: CREATE, metadata: {gen: '2'}})
    expect(server.requests.stats().operations).toMatchObject({UploadPartCopy: 3, CompleteMultipartUpload: 1})
    expect(await store.head('folder/ä b')).toMatchObject({metadata: {gen: '2'}, contentType: 'text/plain'})
    expect((await read((await store.get('folder/ä b')).body)).equals(bytes)).toBe(true)
    await expect(store.copy('a', 'folder/ä b', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
  })
})

test('a copy that lost its metadata in the server is written again with it', async () => {
  const store = await open()
  const bytes = noise(100_000)
  await store.put('a', bytes, {mode: CREATE, metadata: {from: '0'}})
  server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'HeadObject', key: 'b'}})
  const copied = store.copy('a', 'b', {mode: OVERWRITE, metadata: {from: '0', gen: '1'}})
  while (server.requests.count('CopyObject') === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  server.store.plant(server.bucket, 'b', bytes)
  const {etag} = await copied
  expect(server.requests.count('PutObject')).toBe(2)
  expect(await store.head('b')).toMatchObject({etag, size: 100_000, metadata: {from: '0', gen: '1'}})
})

describe('deletes', () => {
  test('go in batches of a thousand; what fails is named, the rest is gone', async () => {
    const store = await open()
    const keys = Array.from({length: 2100}, (_, index) => `k/${index}`)
    await Promise.all(keys.slice(0, 5).map((key) => store.put(key, text(key), {mode: CREATE})))
    server.faults.add({fault: {type: 'error', status: 403, code: 'AccessDenied'}, when: {key: 'k/3'}})
    const {failed, date} = await store.delete(keys)
    expect(failed).toMatchObject([{key: 'k/3', code: 'ACCESS_DENIED'}])
    expect(date % 1000).toBe(0)
    expect(server.requests.count('DeleteObjects')).toBe(3)
    expect((await listAll(store, {prefix: 'k/'})).objects.map(({key}) => key)).toEqual(['k/3'])
  })

  test('go one by one where the server knows no batches', async () => {
    const store = await open()
    await store.put('a', text('a'), {mode: CREATE})
    server.faults.add({fault: {type: 'error', status: 501, code: 'NotImplemented'}, when: {operation: 'DeleteObjects'}})
    expect(await store.delete(['a', 'b'])).toMatchObject({failed: []})
    expect(server.requests.count('DeleteObject')).toBe(2)
    expect(await store.head('a')).toBeUndefined()
  })
})

test('a directory bucket says what its listings are', async () => {
  const store = await open({bucket: 'sessions--use1-az4--x-s3'})
  expect(store.traits).toEqual({sortedListing: false, directoryPrefixesOnly: true})
  const pages = store.list({prefix: 'p/', startAfter: 'p/a'})[Symbol.asyncIterator]()
  await expect(pages.next()).rejects.toMatchObject({code: 'UNSUPPORTED'})
})

test('a listing in no order is read to its end, page by page', async () => {
  server.settings.directoryBucket = true
  const store = await open()
  for (const key of ['p/b', 'p/a/x', 'p/a-x']) await store.put(key, text(key), {mode: CREATE})
  const {objects, prefixes} = await listAll(store, {prefix: 'p/', delimiter: '/', pageSize: 1})
  expect(objects.map(({key}) => key)).toEqual(['p/a-x', 'p/b'])
  expect(prefixes).toEqual(['p/a/'])
})

test('the URL for people names the prefix and no credentials', async () => {
  const store = await open({prefix: 'transcripts/'})
  expect(store.url).toBe('s3://test-bucket/transcripts')
})
