import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {clientFor, failure} from './strict-s3-clients.js'
import {
  ANSWER_LOST,
  CONDITIONAL_CONFLICT,
  HALF_A_BODY,
  INTERNAL_ERROR,
  RESET_BEFORE,
  SLOW_DOWN,
  TOO_MANY_REQUESTS,
  spawnStrictS3,
  startStrictS3,
  type StrictS3,
} from './strict-s3/index.js'

let server: StrictS3
let client: S3Client
let Bucket: string

beforeAll(async () => {
  server = await startStrictS3({seed: 7})
  client = clientFor(server)
  Bucket = server.bucket
})
beforeEach(() => {
  server.faults.clear()
  server.requests.reset()
  server.store
    .bucket(Bucket)
    .keys()
    .forEach((key) => server.store.bucket(Bucket).delete(key))
  Object.assign(server.settings, {
    latencyMs: 0,
    conditions: 'enforced',
    directoryBucket: false,
    checksumOnRanges: false,
  })
})
afterAll(async () => {
  client.destroy()
  await server.close()
})

const put = (Key: string, Body = 'x', more: {IfNoneMatch?: string} = {}) =>
  client.send(new PutObjectCommand({Bucket, Key, Body, ...more}))
const get = async (Key: string): Promise<string> => {
  const answer = await client.send(new GetObjectCommand({Bucket, Key}))
  return answer.Body!.transformToString()
}

const copyNew = (Key: string) =>
  client.send(new CopyObjectCommand({Bucket, Key, CopySource: `${Bucket}/a`, IfNoneMatch: '*'}))

describe('planned faults', () => {
  test.each([
    [SLOW_DOWN, 503],
    [INTERNAL_ERROR, 500],
    [TOO_MANY_REQUESTS, 429],
    [CONDITIONAL_CONFLICT, 409],
  ])('%j is answered once, and nothing is done', async (fault, status) => {
    const handle = server.faults.add({fault, when: {operation: 'PutObject', keyPrefix: 'a'}, times: 1})
    await put('b')
    expect(await failure(put('a'))).toMatchObject({status})
    expect(server.store.keys(Bucket)).toEqual(['b'])
    await put('a')
    expect(handle.hits).toBe(1)
  })

  test('a reset before the request is handled, and one after', async () => {
    server.faults.add({fault: RESET_BEFORE, when: {key: 'before'}})
    server.faults.add({fault: ANSWER_LOST, when: ({key}) => key === 'after'})
    expect(await failure(put('before'))).toMatchObject({code: 'ECONNRESET'})
    expect(await failure(put('after'))).toMatchObject({code: 'ECONNRESET'})
    expect(server.store.keys(Bucket)).toEqual(['after'])
    expect(server.requests.entries.map(({key, status}) => [key, status])).toEqual([
      ['before', 0],
      ['after', 0],
    ])
  })

  test('half a body, and a body with a wrong byte', async () => {
    const text = 'body '.repeat(1000)
    await put('a', text)
    const half = server.faults.add({fault: HALF_A_BODY, when: {method: 'GET'}})
    await expect(get('a')).rejects.toThrow(/aborted/)
    half.remove()
    server.faults.add({fault: {type: 'corrupt'}, when: {operation: ['GetObject', 'HeadObject']}, times: 1})
    await expect(get('a')).rejects.toThrow(/[Cc]hecksum mismatch/)
    expect(await get('a')).toBe(text)
  })

  test('an error that comes with a 200', async () => {
    await put('a')
    server.faults.add({fault: {type: 'error', status: 200, code: 'InternalError'}, when: {operation: 'CopyObject'}})
    const copy = client.send(new CopyObjectCommand({Bucket, Key: 'b', CopySource: `${Bucket}/a`}))
    expect(await failure(copy)).toMatchObject({name: 'InternalError'})
    expect(server.store.keys(Bucket)).toEqual(['a'])
  })

  test('skips, draws from the seed, delays that add up', async () => {
    server.faults.add({fault: SLOW_DOWN, skip: 1, times: 1})
    const outcome = async (): Promise<string> =>
      put('a').then(
        () => 'done',
        (error: Error) => error.name,
      )
    expect([await outcome(), await outcome(), await outcome()]).toEqual(['done', 'SlowDown', 'done'])
    server.faults.clear()
    const drawn = server.faults.add({fault: SLOW_DOWN, probability: 0.5})
    for (let index = 0; index < 40; index++) await outcome()
    expect(drawn.hits).toBeGreaterThan(8)
    expect(drawn.hits).toBeLessThan(32)
    server.faults.clear()
    server.settings.latencyMs = 30
    server.faults.add({fault: {type: 'delay', beforeMs: 20, afterMs: 20}})
    const started = performance.now()
    await put('a')
    expect(performance.now() - started).toBeGreaterThan(65)
  })

  test('one key of a DeleteObjects fails, the others do not', async () => {
    for (const key of ['a', 'b']) await put(key)
    server.faults.add({fault: INTERNAL_ERROR, when: {operation: 'DeleteObjects', key: 'a'}})
    const Objects = [{Key: 'a'}, {Key: 'b'}]
    const answer = await client.send(new DeleteObjectsCommand({Bucket, Delete: {Objects}}))
    expect(answer.Errors).toMatchObject([{Key: 'a', Code: 'InternalError'}])
    expect(server.store.keys(Bucket)).toEqual(['a'])
  })

  test('a request that hangs ends when the server closes', async () => {
    const other = await startStrictS3()
    const patient = clientFor(other)
    other.faults.add({fault: {type: 'hang'}})
    const hanging = failure(patient.send(new ListObjectsV2Command({Bucket: other.bucket})))
    const early = await Promise.race([hanging, new Promise((resolve) => setTimeout(resolve, 100, 'still waiting'))])
    expect(early).toBe('still waiting')
    await other.close()
    expect(await hanging).toMatchObject({code: 'ECONNRESET'})
    patient.destroy()
  })
})

const race = async (): Promise<number> => {
  const bodies = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(1000))
  const results = await Promise.allSettled(bodies.map((body) => put('race', body, {IfNoneMatch: '*'})))
  return results.filter(({status}) => status === 'fulfilled').length
}

describe('other kinds of stores', () => {
  test('one that ignores conditions', async () => {
    server.settings.conditions = 'ignored'
    expect(await race()).toBe(5)
  })

  test('one that is right in sequence and wrong in a race', async () => {
    server.settings.conditions = 'racy'
    expect(await race()).toBeGreaterThan(1)
    expect(await failure(put('race', 'x', {IfNoneMatch: '*'}))).toMatchObject({status: 412})
  })

  test('one that sends the checksum of the whole with a part', async () => {
    server.settings.checksumOnRanges = true
    await put('a', 'hello')
    const answer = await client.send(new GetObjectCommand({Bucket, Key: 'a', Range: 'bytes=0-1'}))
    await expect(answer.Body!.transformToString()).rejects.toThrow(/[Cc]hecksum mismatch/)
  })

  test('a directory bucket lists without order, below folders only', async () => {
    server.settings.directoryBucket = true
    const keys = Array.from({length: 20}, (_, index) => `d/${String(index).padStart(2, '0')}`)
    for (const key of keys) await put(key)
    const seen: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({Bucket, Prefix: 'd/', MaxKeys: 7, ...(ContinuationToken ? {ContinuationToken} : {})}),
      )
      seen.push(...(page.Contents ?? []).map(({Key}) => Key!))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken)
    expect(seen).not.toEqual(keys)
    expect(seen.toSorted()).toEqual(keys)
    expect(await failure(client.send(new ListObjectsV2Command({Bucket, Prefix: 'd'})))).toMatchObject({status: 400})
    const after = new ListObjectsV2Command({Bucket, Prefix: 'd/', StartAfter: 'd/01'})
    expect(await failure(client.send(after))).toMatchObject({status: 501})
    const twice = [await put('d/same', 'x'), await put('d/other', 'x')]
    expect(twice[0]?.ETag).not.toBe(twice[1]?.ETag)
  })

  test('a page ends at a thousand keys, whoever asks for more', async () => {
    for (let index = 0; index < 1001; index++) server.store.plant(Bucket, `p/${index}`, 'x')
    const page = await client.send(new ListObjectsV2Command({Bucket, Prefix: 'p/', MaxKeys: 5000}))
    expect(page).toMatchObject({KeyCount: 1000, IsTruncated: true, MaxKeys: 1000})
  })

  test('a copy meets a condition on its target', async () => {
    for (const key of ['a', 'b']) await put(key, key)
    expect(await failure(copyNew('b'))).toMatchObject({name: 'PreconditionFailed', status: 412})
    await copyNew('c')
    expect(await get('b')).toBe('b')
    expect(await get('c')).toBe('a')
  })

  test('encryption and storage class are kept; an encrypted digest is no MD5, an archived object is not read', async () => {
    const store = (Key: string, more: object) => client.send(new PutObjectCommand({Bucket, Key, Body: 'x', ...more}))
    const plain = await store('plain', {ServerSideEncryption: 'AES256', StorageClass: 'STANDARD_IA'})
    const head = await client.send(new HeadObjectCommand({Bucket, Key: 'plain'}))
    expect(head).toMatchObject({ServerSideEncryption: 'AES256', StorageClass: 'STANDARD_IA', ETag: plain.ETag})
    const encrypted = await store('kms', {ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1'})
    expect(encrypted).toMatchObject({ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1'})
    expect(encrypted.ETag).not.toBe(plain.ETag)
    await store('cold', {StorageClass: 'GLACIER'})
    expect(await failure(get('cold'))).toMatchObject({name: 'InvalidObjectState', status: 403})
  })

  test('metadata that a copy of the bucket lost', async () => {
    await client.send(new PutObjectCommand({Bucket, Key: 'a', Body: 'x', Metadata: {from: '0'}}))
    server.store.dropMetadata(Bucket)
    expect((await client.send(new HeadObjectCommand({Bucket, Key: 'a'}))).Metadata).toEqual({})
  })
})

describe('the log', () => {
  test('counts requests and bytes by operation', async () => {
    await put('a', 'hello')
    await get('a')
    await client.send(new ListObjectsV2Command({Bucket, Prefix: 'a'}))
    const {operations, requests, bytesIn, statuses} = server.requests.stats()
    expect({operations, requests, bytesIn, statuses}).toEqual({
      operations: {PutObject: 1, GetObject: 1, ListObjectsV2: 1},
      requests: 3,
      bytesIn: 5,
      statuses: {'200': 3},
    })
    expect(server.requests.of('GetObject')[0]).toMatchObject({key: 'a', bytesOut: 5, status: 200})
    expect(server.requests.of('ListObjectsV2')[0]).toMatchObject({prefix: 'a'})
    expect(JSON.stringify(server.requests.entries)).not.toContain('AWS4-HMAC')
    server.requests.reset()
    expect(server.requests.count()).toBe(0)
  })
})

test('in a process of its own it is the same server, steered over HTTP', async () => {
  const spawned = await spawnStrictS3({buckets: ['far-bucket']})
  const far = clientFor(spawned)
  try {
    const where = {Bucket: 'far-bucket', Key: 'a'}
    await far.send(new PutObjectCommand({...where, Body: 'hello'}))
    expect(await spawned.stats()).toMatchObject({requests: 1, bytesIn: 5, operations: {PutObject: 1}})
    await spawned.addFault({fault: SLOW_DOWN, when: {operation: 'GetObject'}, times: 1})
    expect(await failure(far.send(new GetObjectCommand(where)))).toMatchObject({status: 503})
    await spawned.deny('GetObject', 'a')
    expect(await failure(far.send(new GetObjectCommand(where)))).toMatchObject({status: 403})
    await spawned.clearFaults()
    await spawned.set({clockOffsetMs: 600_000, conditions: 'ignored'})
    await far.send(new PutObjectCommand({...where, Body: 'again', IfNoneMatch: '*'}))
    await spawned.resetLog()
    const head = await far.send(new HeadObjectCommand(where))
    expect(head.LastModified!.getTime()).toBeGreaterThan(Date.now() + 500_000)
    expect((await spawned.log()).map(({operation}) => operation)).toEqual(['HeadObject'])
    expect((await spawned.memory()).rss).toBeGreaterThan(1e6)
  } finally {
    far.destroy()
    await spawned.close()
  }
  await expect(fetch(spawned.endpoint)).rejects.toThrow('fetch failed')
})
