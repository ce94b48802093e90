import * as fc from 'fast-check'
import {crc32} from 'node:zlib'
import {describe, expect, test} from 'vitest'
import {CREATE, type JoinSource, type ObjectStore, OVERWRITE} from '../../../src/object-store/object-store.js'
import {ANSWER_LOST, INTERNAL_ERROR} from '../../support/strict-s3/index.js'
import {MIB, noise, read, text, useStrictServer} from './support.js'

const s3 = useStrictServer()

/** Parts of 64 KiB, on a server that takes them. */
const KIB = 1024
const limits = {singleJoin: 100 * KIB, minPart: 64 * KIB, part: 64 * KIB, copyPart: 200 * KIB}

async function put(store: ObjectStore, ...contents: readonly Uint8Array[]): Promise<JoinSource[]> {
  const one = async (bytes: Uint8Array, index: number) => {
    const key = `sources/ä ${index}`
    const {etag} = await store.put(key, bytes, {mode: OVERWRITE})
    return {key, size: bytes.byteLength, etag}
  }
  return Promise.all(contents.map(async (bytes, index) => one(bytes, index)))
}

const bytesAt = async (store: ObjectStore, key: string): Promise<Buffer> => read((await store.get(key)).body)

const uploads = (): number => s3.server.store.bucket(s3.server.bucket).uploads.size

/** Two that the store copies, with small ones before, between and after them. */
const MIXED = [1, 150, 30, 40, 300, 2].map((size) => noise(size * KIB))
const WHOLE = Buffer.concat(MIXED)

describe('a join in parts', () => {
  test('copies large ranges in the store, under every condition and setting', async () => {
    const store = await s3.open({expectedBucketOwner: '123456789012', storageClass: 'STANDARD_IA', sse: 'AES256'})
    const contents = [1_000, 6 * MIB, 3 * MIB, 8 * MIB].map((size) => noise(size))
    const sources = await put(store, ...contents)
    s3.server.requests.reset()
    const {etag} = await store.join(sources, 'joined', {mode: CREATE, metadata: {to: '1'}, contentType: 'text/plain'})
    const {operations, bytesIn, bytesOut} = s3.server.requests.stats()
    expect(operations).toMatchObject({UploadPartCopy: 1, UploadPart: 1, CompleteMultipartUpload: 1})
    expect(operations).not.toHaveProperty('PutObject')
    expect(await store.head('joined')).toMatchObject({metadata: {to: '1'}, contentType: 'text/plain', etag})
    const whole = Buffer.concat(contents)
    expect((await bytesAt(store, 'joined')).equals(whole)).toBe(true)
    // What came through this machine: all but the last, since the second has less than two parts and the first needs one of it.
    expect(bytesIn).toBeGreaterThan(9 * MIB)
    expect(bytesIn + bytesOut).toBeLessThan(18.1 * MIB)

    const [copied] = s3.server.requests.of('UploadPartCopy')
    expect(copied?.headers).toMatchObject({
      'x-amz-copy-source-if-match': `"${sources[3]?.etag}"`,
      'x-amz-source-expected-bucket-owner': '123456789012',
    })
    expect(s3.server.requests.of('CreateMultipartUpload')[0]?.headers).toMatchObject({
      'x-amz-storage-class': 'STANDARD_IA',
      'x-amz-server-side-encryption': 'AES256',
    })
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32BE(crc32(whole))
    expect(s3.server.requests.of('CompleteMultipartUpload')[0]?.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-checksum-crc32': checksum.toString('base64'),
      'x-amz-mp-object-size': String(whole.byteLength),
    })
    for (const {headers} of s3.server.requests.entries) {
      expect(headers).toMatchObject({'x-amz-expected-bucket-owner': '123456789012'})
    }
  })

  test('is made for what is large and has something to copy alone', async () => {
    const store = await s3.open()
    await store.join(await put(store, noise(9 * MIB), noise(6 * MIB)), 'small', {mode: CREATE})
    expect(s3.server.requests.count('UploadPartCopy', 'CreateMultipartUpload')).toBe(0)
    const many = Array.from({length: 5}, () => noise(4 * MIB))
    await store.join(await put(store, ...many), 'many', {mode: CREATE})
    expect(s3.server.requests.stats().operations).toMatchObject({UploadPart: 4, CompleteMultipartUpload: 1})
    expect((await bytesAt(store, 'many')).equals(Buffer.concat(many))).toBe(true)
  })

  test.each([false, true])('has the bytes of any sources in order (directory bucket: %s)', async (directoryBucket) => {
    await s3.start({minPart: 64 * KIB, directoryBucket})
    const store = await s3.open({limits})
    const size = fc.oneof(fc.nat({max: 40}), fc.nat({max: 500})).map((kib) => kib * KIB + (kib % 7) * 4)
    await fc.assert(
      fc.asyncProperty(fc.array(size, {maxLength: 8}), async (sizes) => {
        const contents = [...sizes, 65 * KIB].map((bytes) => noise(bytes))
        await store.join(await put(store, ...contents), 'joined', {mode: OVERWRITE})
        expect((await bytesAt(store, 'joined')).equals(Buffer.concat(contents))).toBe(true)
      }),
      {numRuns: 25},
    )
    expect(s3.server.requests.count('UploadPartCopy')).toBeGreaterThan(25)
    expect(uploads()).toBe(0)
  })

  test.each([
    ['a bucket', {}],
    ['a directory bucket, whose etags say nothing', {directoryBucket: true}],
  ])('whose last answer is lost counts when the object there is ours: %s', async (_name, settings) => {
    await s3.start({minPart: 64 * KIB, ...settings})
    const {store} = await s3.openRetrying({limits})
    const sources = await put(store, ...MIXED)
    s3.server.faults.add({fault: ANSWER_LOST, when: {operation: 'CompleteMultipartUpload'}, times: 1})
    const {etag} = await store.join(sources, 'joined', {mode: CREATE, metadata: {k: 'v'}})
    expect(await store.head('joined')).toMatchObject({etag, size: WHOLE.byteLength, metadata: {k: 'v'}})
  })

  test('that is tried again as a whole finds its own object', async () => {
    await s3.start({minPart: 64 * KIB})
    const store = await s3.open({limits})
    const sources = await put(store, ...MIXED)
    const options = {mode: CREATE, metadata: {by: 'me'}}
    const {etag} = await store.join(sources, 'joined', options)
    expect(await store.join(sources, 'joined', {...options, retried: true})).toMatchObject({etag})
    const other = store.join(sources, 'joined', {...options, metadata: {by: 'another'}, retried: true})
    await expect(other).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    expect(uploads()).toBe(0)
  })

  test('repeats single requests, not the whole', async () => {
    await s3.start({minPart: 64 * KIB})
    const {store, notices} = await s3.openRetrying({limits})
    const sources = await put(store, ...MIXED, ...Array.from({length: 60}, (_, index) => noise(100 + 4 * index)))
    s3.server.requests.reset()
    for (const operation of ['GetObject', 'UploadPart', 'UploadPartCopy', 'HeadObject'] as const) {
      s3.server.faults.add({fault: INTERNAL_ERROR, when: {operation}, skip: 1, times: 1})
    }
    await store.join(sources, 'joined', {mode: OVERWRITE})
    expect(notices.map(({operation}) => operation).toSorted()).toEqual([
      'GetObject',
      'HeadObject',
      'UploadPart',
      'UploadPartCopy',
    ])
    expect(s3.server.requests.stats().operations).toMatchObject({CreateMultipartUpload: 1})
    // The streamed way too: of many reads one fails.
    s3.server.faults.add({fault: INTERNAL_ERROR, when: {operation: 'GetObject'}, skip: 30, times: 1})
    s3.server.requests.reset()
    await store.join(sources.slice(-60), 'streamed', {mode: CREATE})
    expect(s3.server.requests.stats().operations).toMatchObject({GetObject: 61, PutObject: 1})
  })

  test('that fails is aborted and leaves nothing', async () => {
    await s3.start({minPart: 64 * KIB})
    const store = await s3.open({limits})
    const sources = await put(store, ...MIXED)
    for (const operation of ['UploadPartCopy', 'UploadPart', 'GetObject', 'CompleteMultipartUpload'] as const) {
      s3.server.faults.add({fault: {type: 'error', status: 403, code: 'AccessDenied'}, when: {operation}})
      await expect(store.join(sources, 'joined', {mode: CREATE})).rejects.toMatchObject({code: 'ACCESS_DENIED'})
      s3.server.faults.clear()
    }
    expect(s3.server.requests.count('AbortMultipartUpload')).toBe(4)
    expect(uploads()).toBe(0)
    expect(await store.head('joined')).toBeUndefined()
  })

  test('notices a source that changes under it, and names it', async () => {
    await s3.start({minPart: 64 * KIB})
    const store = await s3.open({limits})
    const sources = await put(store, ...MIXED)
    const changed = {code: 'OBJECT_CHANGED', details: expect.objectContaining({key: sources[4]?.key}) as unknown}
    s3.server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'CreateMultipartUpload'}, times: 1})
    const joining = store.join(sources, 'joined', {mode: CREATE})
    joining.catch(() => {})
    await expect.poll(() => s3.server.requests.count('HeadObject')).toBe(4)
    await store.put(sources[4]?.key ?? '', noise(300 * KIB + 4), {mode: OVERWRITE})
    await expect(joining).rejects.toMatchObject(changed)
    await expect(store.join(sources, 'joined', {mode: CREATE})).rejects.toMatchObject(changed)
    await store.delete([sources[4]?.key ?? ''])
    await expect(store.join(sources, 'joined', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    expect(uploads()).toBe(0)
    expect(await store.head('joined')).toBeUndefined()
  })

  test('that is aborted rejects with the reason, and takes its parts away', async () => {
    await s3.start({minPart: 64 * KIB})
    const store = await s3.open({limits})
    const sources = await put(store, ...MIXED)
    s3.server.faults.add({fault: {type: 'delay', beforeMs: 300}, when: {operation: 'UploadPartCopy'}})
    const [stop, reason] = [new AbortController(), new Error('enough')]
    const joining = store.join(sources, 'joined', {mode: CREATE, signal: stop.signal})
    joining.catch(() => {})
    await expect.poll(() => s3.server.requests.count('CreateMultipartUpload')).toBe(1)
    stop.abort(reason)
    await expect(joining).rejects.toBe(reason)
    await expect.poll(() => s3.server.requests.count('AbortMultipartUpload')).toBe(1)
    expect(await store.head('joined')).toBeUndefined()
  })

  test('goes through this machine where the server copies no parts', async () => {
    await s3.start({minPart: 64 * KIB, partCopies: 'none'})
    const {store} = await s3.openRetrying({limits})
    const sources = await put(store, ...MIXED, noise(80 * KIB))
    await store.join(sources, 'joined', {mode: CREATE, metadata: {k: 'v'}})
    expect((await bytesAt(store, 'joined')).equals(Buffer.concat([WHOLE, noise(80 * KIB)]))).toBe(true)
    expect(uploads()).toBe(0)
  })

  test('is taken away again where the server copied something else', async () => {
    await s3.start({minPart: 64 * KIB, partCopies: 'whole'})
    const store = await s3.open({limits})
    const sources = await put(store, ...MIXED)
    const joining = store.join(sources, 'joined', {mode: CREATE})
    await expect(joining).rejects.toMatchObject({
      code: expect.stringMatching(/CHECKSUM_MISMATCH|UNSUPPORTED/) as string,
    })
    expect(await store.head('joined')).toBeUndefined()
  })

  test('looks at its sources itself, since a server may not', async () => {
    await s3.start({minPart: 64 * KIB, partCopies: 'unconditional'})
    const store = await s3.open({limits})
    const sources = await put(store, ...MIXED)
    await store.put(sources[4]?.key ?? '', noise(600 * KIB).subarray(300 * KIB), {mode: OVERWRITE})
    await expect(store.join(sources, 'joined', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    const short = sources.map((source, place) => (place === 1 ? {...source, size: source.size - 1} : source))
    await expect(store.join(short, 'joined', {mode: CREATE})).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    await expect(store.join([{key: 'k', size: 3, etag: 'x'}], 'joined', {mode: CREATE})).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    })
    await store.put('k', text('abc'), {mode: CREATE})
    await expect(store.join([{key: 'k', size: 3, etag: 'x'}], 'joined', {mode: CREATE})).rejects.toMatchObject({
      code: 'OBJECT_CHANGED',
    })
    expect(await store.head('joined')).toBeUndefined()
  })
})
