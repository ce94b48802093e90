import {crc32} from 'node:zlib'
import {describe, expect, test, vi} from 'vitest'
import {CREATE, OVERWRITE, type PutMode} from '../../../src/object-store/object-store.js'
import {ANSWER_LOST} from '../../support/strict-s3/index.js'
import {MIB, noise, read, stream, useStrictServer} from './support.js'

const s3 = useStrictServer()

describe('large objects', () => {
  const limits = {singlePut: 5 * MIB, part: 5 * MIB}

  test.each([
    ['bytes', (bytes: Buffer) => bytes],
    ['a stream', (bytes: Buffer) => stream(bytes)],
  ])('%s go up in parts, joined under the condition', async (_name, body) => {
    const store = await s3.open({limits})
    const bytes = noise(12 * MIB + 4)
    const {etag} = await store.put('a', body(bytes), {mode: CREATE, metadata: {to: '1'}})
    expect(s3.server.requests.stats().operations).toMatchObject({UploadPart: 3, CompleteMultipartUpload: 1})
    expect(await store.head('a')).toMatchObject({size: bytes.byteLength, metadata: {to: '1'}, etag})
    expect((await read((await store.get('a')).body)).equals(bytes)).toBe(true)
    await expect(store.put('a', body(bytes), {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    await expect(store.put('a', body(bytes), {mode: {type: 'update', etag: 'x'}})).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    })
    expect(s3.server.requests.count('AbortMultipartUpload')).toBe(2)
    await store.put('a', body(bytes), {mode: {type: 'update', etag}})
  })

  test('an upload whose body breaks or lies is aborted and leaves nothing', async () => {
    const store = await s3.open({limits})
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
    expect(s3.server.requests.count('AbortMultipartUpload')).toBe(3)
    expect(await store.head('a')).toBeUndefined()
  })

  test('a join whose answer was lost counts when the object there is ours', async () => {
    const {store} = await s3.openRetrying({limits})
    s3.server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    const {etag} = await store.put('a', noise(6 * MIB), {mode: OVERWRITE, metadata: {k: 'v'}})
    s3.server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    await store.put('b', noise(6 * MIB), {mode: CREATE})
    expect(await store.head('a')).toMatchObject({etag, metadata: {k: 'v'}})
    const {etag: newer} = await store.head('b').then((head) => head ?? {etag: ''})
    s3.server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    const updated = await store.put('b', stream(noise(7 * MIB)), {mode: {type: 'update', etag: newer}})
    expect(await store.head('b')).toMatchObject({size: 7 * MIB, etag: updated.etag})
  })

  test('an abort in the middle of an upload rejects with its reason', async () => {
    const store = await s3.open({limits})
    const stop = new AbortController()
    const reason = new Error('enough')
    s3.server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'UploadPart'}})
    const put = store.put('a', noise(20 * MIB), {mode: CREATE, signal: stop.signal})
    setTimeout(() => stop.abort(reason), 150)
    await expect(put).rejects.toBe(reason)
    expect(await store.head('a')).toBeUndefined()
  })

  test('each part announces its checksum, the join the whole one and the condition; none is a trailer', async () => {
    s3.server.settings.requireContentLength = true
    const store = await s3.open({limits, expectedBucketOwner: '123456789012', storageClass: 'STANDARD_IA'})
    const bytes = noise(12 * MIB)
    await store.put('a', stream(bytes), {mode: CREATE, metadata: {to: '1'}, contentType: 'application/x-ndjson'})
    expect(await store.head('a')).toMatchObject({metadata: {to: '1'}, contentType: 'application/x-ndjson'})
    const [begin] = s3.server.requests.of('CreateMultipartUpload')
    expect(begin?.headers).toMatchObject({
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-type': 'FULL_OBJECT',
      'x-amz-storage-class': 'STANDARD_IA',
    })
    for (const {headers} of s3.server.requests.of('UploadPart')) {
      expect(headers).toHaveProperty('x-amz-checksum-crc32')
      expect(headers).not.toHaveProperty('x-amz-trailer')
      expect(headers).not.toHaveProperty('content-encoding')
    }
    const whole = Buffer.alloc(4)
    whole.writeUInt32BE(crc32(bytes))
    const [join] = s3.server.requests.of('CompleteMultipartUpload')
    expect(join?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-checksum-crc32': whole.toString('base64'),
      'x-amz-checksum-type': 'FULL_OBJECT',
    })
    for (const {headers} of s3.server.requests.entries) {
      expect(headers).toMatchObject({'x-amz-expected-bucket-owner': '123456789012'})
    }
  })

  test('a body that hands out one buffer again and again is refused by the store, not stored wrong', async () => {
    const store = await s3.open({limits})
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
    const store = await s3.open({limits})
    s3.server.faults.add({
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
    expect(s3.server.requests.count('UploadPart')).toBeLessThan(5)
    expect(s3.server.requests.count('AbortMultipartUpload')).toBe(1)
    await vi.waitFor(() => expect(closed).toBe(true))
  })

  test('a failing abort does not hide what made the upload fail', async () => {
    const store = await s3.open({limits})
    s3.server.faults.add({fault: {type: 'error', status: 403, code: 'AccessDenied'}, when: {operation: 'UploadPart'}})
    s3.server.faults.add({
      fault: {type: 'error', status: 501, code: 'NotImplemented'},
      when: {operation: 'AbortMultipartUpload'},
    })
    await expect(store.put('a', noise(6 * MIB), {mode: CREATE})).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  })

  test('an abort before the upload has its id takes it away all the same', async () => {
    const store = await s3.open({limits})
    const stop = new AbortController()
    const reason = new Error('enough')
    s3.server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'CreateMultipartUpload'}})
    const put = store.put('a', stream(noise(6 * MIB)), {mode: CREATE, signal: stop.signal})
    setTimeout(() => stop.abort(reason), 100)
    await expect(put).rejects.toBe(reason)
    expect(s3.server.requests.count('CreateMultipartUpload')).toBe(0)
    await vi.waitFor(() => expect(s3.server.requests.count('AbortMultipartUpload')).toBe(1), 5_000)
  })

  test('an abort does not wait for a body that hangs', async () => {
    const store = await s3.open({limits})
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
    const {store} = await s3.openRetrying({limits})
    const bytes = noise(6 * MIB)
    const other = await store.put('a', bytes, {mode: CREATE, metadata: {who: 'other'}})
    const refusedAs = async (mode: PutMode, code: string) => {
      s3.server.faults.add({
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
    const store = await s3.open({limits: {...limits, singleCopy: 5 * MIB, copyPart: 5 * MIB}})
    const bytes = noise(12 * MIB)
    await store.put('a', bytes, {mode: CREATE, metadata: {from: '0'}, contentType: 'text/plain'})
    s3.server.requests.reset()
    await store.copy('a', 'folder/ä b', {mode: CREATE, metadata: {gen: '2'}})
    expect(s3.server.requests.stats().operations).toMatchObject({UploadPartCopy: 2, CompleteMultipartUpload: 1})
    expect(await store.head('folder/ä b')).toMatchObject({metadata: {gen: '2'}, contentType: 'text/plain'})
    expect((await read((await store.get('folder/ä b')).body)).equals(bytes)).toBe(true)
    await expect(store.copy('a', 'folder/ä b', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
  })
})
