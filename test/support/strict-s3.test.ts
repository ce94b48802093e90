import {createHash, randomBytes} from 'node:crypto'
import {Readable} from 'node:stream'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type CopyObjectCommandInput,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {clientFor, failure, startTarget, type Target} from './strict-s3-clients.js'

/*
 * Behaviour that every S3 server should show, over the wire only. It runs against the strict server, and by hand with
 * REPRISE_TEST_S3=moto or =versitygw against others, to find out who is wrong. Where they disagreed the strict server keeps to S3:
 * - moto 5.2.5 takes wrong checksums and a wrong Content-MD5, metadata and keys of any length, If-None-Match with an etag and copies
 *   whatever the source's etag; it answers PUTs without the checksum, lists more than a thousand keys a page, and 500 to a bad token.
 * - versitygw 1.8.0 keeps keys as files: `a` beside `a/b`, `.`, `..` and `//` fail. It ignores `encoding-type=url` (and says so: no
 *   EncodingType in the answer), takes any continuation token, and gives `aws-chunked` back as an object's encoding.
 * - Both ignore Quiet in DeleteObjects.
 */

let target: Target
let client: S3Client
let Bucket: string
let prefix = ''
let count = 0

beforeAll(async () => {
  target = await startTarget()
  client = clientFor(target)
  Bucket = target.bucket
})
beforeEach(() => {
  prefix = `t${++count}/`
})
afterAll(async () => {
  client.destroy()
  await target.close()
})

const put = (key: string, body: string | Uint8Array = 'x', more: Partial<PutObjectCommandInput> = {}) =>
  client.send(new PutObjectCommand({Bucket, Key: prefix + key, Body: body, ...more}))
const get = async (key: string): Promise<string> => {
  const answer = await client.send(new GetObjectCommand({Bucket, Key: prefix + key}))
  return answer.Body!.transformToString()
}
const list = (more: Partial<ListObjectsV2CommandInput> = {}) =>
  client.send(new ListObjectsV2Command({Bucket, Prefix: prefix, ...more}))
const keysOf = (answer: ListObjectsV2CommandOutput): string[] =>
  (answer.Contents ?? []).map(({Key}) => Key!.slice(prefix.length))

const readRange = async (Range: string) => {
  const answer = await client.send(new GetObjectCommand({Bucket, Key: `${prefix}a`, Range}))
  return [await answer.Body!.transformToString(), answer.ContentRange, answer.ChecksumCRC32]
}

const readIf = (condition: {IfMatch?: string; IfNoneMatch?: string}) =>
  failure(client.send(new GetObjectCommand({Bucket, Key: `${prefix}a`, ...condition})))

const race = async (writers: number): Promise<number> => {
  const bodies = Array.from({length: writers}, (_, index) => `writer ${index}`.padEnd(2000))
  const results = await Promise.allSettled(bodies.map((body) => put('race', body, {IfNoneMatch: '*'})))
  return results.filter(({status}) => status === 'fulfilled').length
}

const remove = (keys: string[], Quiet: boolean) =>
  client.send(new DeleteObjectsCommand({Bucket, Delete: {Objects: keys.map((Key) => ({Key: prefix + Key})), Quiet}}))

describe('objects', () => {
  test('what was put is what comes back, with its metadata, headers, digest and the checksum', async () => {
    const answer = await put('a', 'hello', {
      ContentType: 'application/x-ndjson',
      Metadata: {from: '0', empty: ''},
      CacheControl: 'no-store',
    })
    expect(answer.ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`)
    const head = await client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`, ChecksumMode: 'ENABLED'}))
    expect(head).toMatchObject({
      ContentLength: 5,
      ContentType: 'application/x-ndjson',
      Metadata: {from: '0', empty: ''},
      CacheControl: 'no-store',
      ChecksumCRC32: 'NhCmhg==',
      ChecksumType: 'FULL_OBJECT',
      ETag: answer.ETag,
    })
    expect(await get('a')).toBe('hello')
  })

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)('a right %s is taken', async (algorithm) => {
    const values = {
      CRC32: 'y/Q5Jg==',
      CRC32C: '4waSgw==',
      CRC64NVME: 'rosUhgp5mIg=',
      SHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
      SHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
    }
    const name = `Checksum${algorithm}`
    const answer = await put('a', '123456789', {[name]: values[algorithm]})
    expect(answer).toMatchObject({[name]: values[algorithm]})
    const refused = await failure(put('a', '12345678', {[name]: values[algorithm]}))
    expect(refused).toMatchObject({name: 'BadDigest', status: 400})
    expect(await get('a')).toBe('123456789')
  })

  test('a body in motion travels as aws-chunked with its checksum behind it', async () => {
    const bytes = randomBytes(300_000)
    const key = `${prefix}stream`
    await client.send(
      new PutObjectCommand({
        Bucket,
        Key: key,
        Body: Readable.from([bytes.subarray(0, 100_001), bytes.subarray(100_001)]),
        ContentLength: bytes.length,
        ChecksumAlgorithm: 'SHA256',
      }),
    )
    const answer = await client.send(new GetObjectCommand({Bucket, Key: key}))
    expect(Buffer.from(await answer.Body!.transformToByteArray()).equals(bytes)).toBe(true)
    const head = await client.send(new HeadObjectCommand({Bucket, Key: key, ChecksumMode: 'ENABLED'}))
    expect(head.ChecksumSHA256).toBe(createHash('sha256').update(bytes).digest('base64'))
    expect(head.ContentEncoding).toBeUndefined()
  })

  test('an object without a byte', async () => {
    await put('empty', '', {Metadata: {from: '7'}})
    await client.send(new PutObjectCommand({Bucket, Key: `${prefix}stream`, Body: Readable.from([]), ContentLength: 0}))
    for (const key of ['empty', 'stream']) expect(await get(key)).toBe('')
    expect((await list()).Contents?.map(({Size}) => Size)).toEqual([0, 0])
    const range = client.send(new GetObjectCommand({Bucket, Key: `${prefix}empty`, Range: 'bytes=0-'}))
    expect(await failure(range)).toMatchObject({name: 'InvalidRange', status: 416})
  })

  test('a wrong Content-MD5 is refused', async () => {
    const wrong = createHash('md5').update('other').digest('base64')
    expect(await failure(put('a', 'x', {ContentMD5: wrong}))).toMatchObject({name: 'BadDigest', status: 400})
    expect(await failure(put('a', 'x', {ContentMD5: 'eA=='}))).toMatchObject({name: 'InvalidDigest', status: 400})
  })

  test('metadata above 2 KB is refused, 2 KB are taken', async () => {
    await put('a', 'x', {Metadata: {ab: 'v'.repeat(2046)}})
    const refused = await failure(put('a', 'x', {Metadata: {ab: 'v'.repeat(2047)}}))
    expect(refused).toMatchObject({name: 'MetadataTooLarge', status: 400})
  })

  test('keys end at 1024 bytes', async () => {
    prefix = ''
    await put(`k${'é'.repeat(511)}k`)
    expect(await failure(put(`kk${'é'.repeat(511)}k`))).toMatchObject({name: 'KeyTooLongError', status: 400})
  })

  test.each([' ', 'a b+c', 'ü/ñ', '../x', 'a//b', '.', "'()*!~", '%41', '🙂', '&<>"', 'a?b#c', '\u0001\u007f'])(
    'the key %j is one like any other',
    async (key) => {
      await put(key, key)
      expect(await get(key)).toBe(key)
      const listed = await list({EncodingType: 'url'})
      const decoded = listed.Contents!.map(({Key}) => decodeURIComponent(Key!.replaceAll('+', ' ')))
      expect(decoded).toEqual([prefix + key])
    },
  )

  test('ranges', async () => {
    await put('a', '0123456789')
    expect(await readRange('bytes=2-4')).toEqual(['234', 'bytes 2-4/10', undefined])
    expect(await readRange('bytes=7-')).toEqual(['789', 'bytes 7-9/10', undefined])
    expect(await readRange('bytes=-3')).toEqual(['789', 'bytes 7-9/10', undefined])
    expect(await readRange('bytes=8-99')).toEqual(['89', 'bytes 8-9/10', undefined])
    expect(await failure(readRange('bytes=10-'))).toMatchObject({name: 'InvalidRange', status: 416})
  })

  test('what is not there', async () => {
    expect(await failure(get('none'))).toMatchObject({name: 'NoSuchKey', status: 404})
    const head = client.send(new HeadObjectCommand({Bucket, Key: `${prefix}none`}))
    expect(await failure(head)).toMatchObject({name: 'NotFound', status: 404})
    const elsewhere = client.send(new GetObjectCommand({Bucket: 'no-such-bucket', Key: 'a'}))
    expect(await failure(elsewhere)).toMatchObject({name: 'NoSuchBucket', status: 404})
  })
})

describe('conditions', () => {
  test('If-None-Match: * creates once', async () => {
    await put('a', 'first', {IfNoneMatch: '*'})
    expect(await failure(put('a', 'second', {IfNoneMatch: '*'}))).toMatchObject({
      name: 'PreconditionFailed',
      status: 412,
    })
    expect(await get('a')).toBe('first')
    expect(await failure(put('a', 'second', {IfNoneMatch: '"etag"'}))).toMatchObject({status: 501})
  })

  test('If-Match updates what it names: another is 412, nothing is 404', async () => {
    const {ETag} = await put('a', 'first')
    await put('a', 'second', {IfMatch: ETag})
    expect(await failure(put('a', 'third', {IfMatch: ETag}))).toMatchObject({name: 'PreconditionFailed', status: 412})
    expect(await failure(put('none', 'x', {IfMatch: ETag}))).toMatchObject({name: 'NoSuchKey', status: 404})
    expect(await get('a')).toBe('second')
  })

  test('reads: If-Match 412, If-None-Match 304', async () => {
    const {ETag} = await put('a')
    expect(await readIf({IfMatch: '"other"'})).toMatchObject({status: 412})
    expect(await readIf({IfNoneMatch: ETag!})).toMatchObject({status: 304})
  })

  test('one of twenty racing writers wins', async () => {
    expect(await race(20)).toBe(1)
  })
})

describe('listing', () => {
  test('keys come in the order of their UTF-8 bytes, over pages', async () => {
    // By UTF-16 units the emoji would come before U+FFFD.
    const keys = ['a', 'a-x', 'a.b', 'a/b', 'a0', 'b', 'é', '\ufffd', '🙂']
    for (const key of keys.toReversed()) await put(key)
    const seen: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await list({MaxKeys: 2, ...(ContinuationToken ? {ContinuationToken} : {})})
      expect(page.KeyCount).toBeLessThanOrEqual(2)
      seen.push(...keysOf(page))
      ContinuationToken = page.NextContinuationToken
      expect(page.IsTruncated).toBe(ContinuationToken !== undefined)
    } while (ContinuationToken)
    expect(seen).toEqual(keys)
  })

  test('a delimiter rolls keys up, each prefix once over all pages', async () => {
    for (const key of ['a', 'b/1', 'b/2', 'b/3', 'c', 'd/1', 'e']) await put(key)
    const seen: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await list({Delimiter: '/', MaxKeys: 1, ...(ContinuationToken ? {ContinuationToken} : {})})
      seen.push(...keysOf(page), ...(page.CommonPrefixes ?? []).map(({Prefix}) => Prefix!.slice(prefix.length)))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken)
    expect(seen).toEqual(['a', 'b/', 'c', 'd/', 'e'])
  })

  test('StartAfter, an empty page, no keys at all', async () => {
    for (const key of ['a', 'b', 'c']) await put(key)
    expect(keysOf(await list({StartAfter: `${prefix}a`}))).toEqual(['b', 'c'])
    expect(keysOf(await list({StartAfter: `${prefix}bb`}))).toEqual(['c'])
    expect(await list({MaxKeys: 0})).toMatchObject({KeyCount: 0, IsTruncated: false})
    expect(await list({Prefix: `${prefix}none/`})).toMatchObject({KeyCount: 0, IsTruncated: false})
    expect(await failure(list({ContinuationToken: 'nonsense'}))).toMatchObject({name: 'InvalidArgument', status: 400})
  })
})

describe('deleting', () => {
  test('an object, also one that is not there', async () => {
    await put('a')
    await client.send(new DeleteObjectCommand({Bucket, Key: `${prefix}a`}))
    await client.send(new DeleteObjectCommand({Bucket, Key: `${prefix}a`}))
    expect(keysOf(await list())).toEqual([])
  })

  test('many at once, quietly or not; more than a thousand are refused', async () => {
    for (const key of ['a', 'b', '&<']) await put(key)
    expect((await remove(['a', 'none', '&<'], false)).Deleted).toHaveLength(3)
    expect((await remove(['b'], true)).Deleted).toBeUndefined()
    expect(keysOf(await list())).toEqual([])
    const many = Array.from({length: 1001}, (_, index) => `k${index}`)
    expect(await failure(remove(many, true))).toMatchObject({name: 'MalformedXML', status: 400})
  })
})

const CopySource = (key: string): string => `${Bucket}/${encodeURIComponent(prefix + key)}`
const copy = (from: string, to: string, more: Partial<CopyObjectCommandInput> = {}) =>
  client.send(new CopyObjectCommand({Bucket, Key: prefix + to, CopySource: CopySource(from), ...more}))
const metadataOf = async (key: string) =>
  (await client.send(new HeadObjectCommand({Bucket, Key: prefix + key}))).Metadata

describe('copies', () => {
  test('metadata travels unless it is replaced', async () => {
    await put('a b+é', 'hello', {Metadata: {from: '1'}})
    const answer = await copy('a b+é', 'b')
    expect(answer.CopyObjectResult?.ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`)
    expect(await metadataOf('b')).toEqual({from: '1'})
    await copy('a b+é', 'c', {MetadataDirective: 'REPLACE', Metadata: {to: '2'}})
    expect(await metadataOf('c')).toEqual({to: '2'})
    expect(await get('c')).toBe('hello')
  })

  test('conditions on the source; a source that is not there', async () => {
    await put('a', 'hello')
    expect(await failure(copy('a', 'b', {CopySourceIfMatch: '"other"'}))).toMatchObject({status: 412})
    expect(await failure(copy('none', 'b'))).toMatchObject({name: 'NoSuchKey', status: 404})
    expect(await failure(copy('a', 'a'))).toMatchObject({name: 'InvalidRequest', status: 400})
  })
})

describe('buckets', () => {
  test('come and go, empty ones only', async () => {
    const name = `bucket-${count}`
    await client.send(new CreateBucketCommand({Bucket: name}))
    await client.send(new HeadBucketCommand({Bucket: name}))
    const {Buckets} = await client.send(new ListBucketsCommand({}))
    expect(Buckets?.map(({Name}) => Name)).toContain(name)
    await client.send(new PutObjectCommand({Bucket: name, Key: 'a', Body: 'x'}))
    expect(await failure(client.send(new DeleteBucketCommand({Bucket: name})))).toMatchObject({
      name: 'BucketNotEmpty',
      status: 409,
    })
    await client.send(new DeleteObjectCommand({Bucket: name, Key: 'a'}))
    await client.send(new DeleteBucketCommand({Bucket: name}))
    expect(await failure(client.send(new HeadBucketCommand({Bucket: name})))).toMatchObject({status: 404})
    const bad = client.send(new CreateBucketCommand({Bucket: 'No_Bucket'}))
    expect(await failure(bad)).toMatchObject({name: 'InvalidBucketName', status: 400})
  })

  test('answer what is not configured', async () => {
    const location = await client.send(new GetBucketLocationCommand({Bucket}))
    expect(location.LocationConstraint ?? '').toBe('')
    const versioning = await client.send(new GetBucketVersioningCommand({Bucket}))
    expect(versioning.Status).toBeUndefined()
    const lock = client.send(new GetObjectLockConfigurationCommand({Bucket}))
    expect(await failure(lock)).toMatchObject({name: 'ObjectLockConfigurationNotFoundError', status: 404})
  })
})
