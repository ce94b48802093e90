import {createHash, randomBytes} from 'node:crypto'
import {Readable} from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type CompleteMultipartUploadCommandInput,
  type CreateMultipartUploadCommandInput,
  type UploadPartCopyCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3'
import {Upload} from '@aws-sdk/lib-storage'
import {afterAll, beforeAll, beforeEach, expect, test} from 'vitest'
import {clientFor, failure, startTarget, type Target} from './strict-s3-clients.js'
import {digestOf} from './strict-s3/checksums.js'

/*
 * As strict-s3.test.ts: over the wire only, against other servers too. What those do otherwise, and S3 does not: moto takes wrong
 * checksums, small parts in the middle, copied ranges past the end and any condition on their source, and both ranges of small ones, and gives a SHA-256 of the whole; both take
 * a part's checksum that the upload did not announce; versitygw answers
 * InvalidRequest (not BadDigest) to a wrong checksum of the whole, and InvalidPart (not InvalidPartOrder) to a wrong order.
 */

const MIB = 1024 ** 2

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
  prefix = `m${++count}/`
})
afterAll(async () => {
  client.destroy()
  await target.close()
})

const sha = (data: string | Buffer): Buffer => createHash('sha256').update(data).digest()
const part = (size: number, fill: number): Buffer => Buffer.alloc(size, fill)
const create = async (
  key: string,
  more: Partial<CreateMultipartUploadCommandInput> = {ChecksumAlgorithm: 'CRC32'},
): Promise<string> =>
  (await client.send(new CreateMultipartUploadCommand({Bucket, Key: prefix + key, ...more}))).UploadId!
const upload = (key: string, UploadId: string, PartNumber: number, Body: Buffer, more: object = {}) =>
  client.send(new UploadPartCommand({Bucket, Key: prefix + key, UploadId, PartNumber, Body, ...more}))
const complete = (
  key: string,
  UploadId: string,
  Parts: CompletedPart[],
  more: Partial<CompleteMultipartUploadCommandInput> = {},
) =>
  client.send(
    new CompleteMultipartUploadCommand({Bucket, Key: prefix + key, UploadId, MultipartUpload: {Parts}, ...more}),
  )

test('parts become one object, whose digest names their number', async () => {
  const UploadId = await create('a', {Metadata: {from: '0'}, ContentType: 'text/plain', ChecksumAlgorithm: 'CRC32'})
  const bodies = [part(5 * MIB, 1), part(7, 2)]
  const Parts: CompletedPart[] = []
  for (const [index, body] of bodies.entries()) {
    const {ETag, ChecksumCRC32} = await upload('a', UploadId, index + 1, body, {ChecksumAlgorithm: 'CRC32'})
    Parts.push({PartNumber: index + 1, ETag: ETag!, ...(ChecksumCRC32 ? {ChecksumCRC32} : {})})
  }
  const listed = await client.send(new ListPartsCommand({Bucket, Key: `${prefix}a`, UploadId}))
  expect(listed.Parts?.map(({Size}) => Size)).toEqual([5 * MIB, 7])
  const open = await client.send(new ListMultipartUploadsCommand({Bucket, Prefix: prefix}))
  expect(open.Uploads?.map((item) => [item.Key, item.UploadId])).toEqual([[`${prefix}a`, UploadId]])
  const {ETag} = await complete('a', UploadId, Parts)
  const md5s = bodies.map((body) => createHash('md5').update(body).digest())
  expect(ETag).toBe(`"${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-2"`)
  const head = await client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`}))
  expect(head).toMatchObject({ContentLength: 5 * MIB + 7, Metadata: {from: '0'}, ContentType: 'text/plain', ETag})
  const across = await client.send(
    new GetObjectCommand({Bucket, Key: `${prefix}a`, Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}`}),
  )
  expect([...(await across.Body!.transformToByteArray())]).toEqual([1, 1, 2, 2])
})

test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('a %s is known for the whole object', async (algorithm) => {
  const bodies = [randomBytes(5 * MIB), randomBytes(1234)]
  const UploadId = await create('a', {ChecksumAlgorithm: algorithm, ChecksumType: 'FULL_OBJECT'})
  const Parts: CompletedPart[] = []
  for (const [index, body] of bodies.entries()) {
    const {ETag} = await upload('a', UploadId, index + 1, body, {
      [`Checksum${algorithm}`]: digestOf(algorithm, [body]).toString('base64'),
    })
    Parts.push({PartNumber: index + 1, ETag: ETag!})
  }
  const name = `Checksum${algorithm}`
  const whole = digestOf(algorithm, bodies).toString('base64')
  const wrong = digestOf(algorithm, [bodies[0]!]).toString('base64')
  const refused = await failure(complete('a', UploadId, Parts, {[name]: wrong, ChecksumType: 'FULL_OBJECT'}))
  expect(refused).toMatchObject({name: 'BadDigest', status: 400})
  expect(await complete('a', UploadId, Parts, {[name]: whole, ChecksumType: 'FULL_OBJECT'})).toMatchObject({
    [name]: whole,
  })
  const head = await client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`, ChecksumMode: 'ENABLED'}))
  expect(head).toMatchObject({[name]: whole, ChecksumType: 'FULL_OBJECT'})
})

test('a SHA-256 is one of the parts', async () => {
  const body = part(5 * MIB, 1)
  const Body = Readable.from([body, Buffer.from('tail')])
  const params = {Bucket, Key: `${prefix}a`, Body, ChecksumAlgorithm: 'SHA256' as const}
  await new Upload({client, params, partSize: 5 * MIB}).done()
  const head = await client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`, ChecksumMode: 'ENABLED'}))
  expect(head).toMatchObject({
    ChecksumSHA256: `${sha(Buffer.concat([sha(body), sha('tail')])).toString('base64')}-2`,
    ChecksumType: 'COMPOSITE',
  })
  const answer = await client.send(new GetObjectCommand({Bucket, Key: `${prefix}a`, ChecksumMode: 'ENABLED'}))
  expect((await answer.Body!.transformToByteArray()).length).toBe(5 * MIB + 4)
})

const copyPart = async (
  UploadId: string,
  PartNumber: number,
  source: string,
  more: Partial<UploadPartCopyCommandInput> = {},
): Promise<CompletedPart> => {
  const [Key, CopySource] = [`${prefix}joined`, `${Bucket}/${prefix}${source}`]
  const {CopyPartResult} = await client.send(
    new UploadPartCopyCommand({Bucket, Key, UploadId, PartNumber, CopySource, ...more}),
  )
  const {ETag, ChecksumCRC32} = CopyPartResult!
  return {PartNumber, ETag: ETag!, ...(ChecksumCRC32 ? {ChecksumCRC32} : {})}
}

test('objects are joined in the server, a range of one too', async () => {
  await client.send(new PutObjectCommand({Bucket, Key: `${prefix}big`, Body: part(6 * MIB, 1)}))
  await client.send(new PutObjectCommand({Bucket, Key: `${prefix}small`, Body: 'abcdef'}))
  const UploadId = await create('joined')
  const Parts = [
    await copyPart(UploadId, 1, 'big', {CopySourceRange: `bytes=${MIB}-${6 * MIB - 1}`}),
    await copyPart(UploadId, 2, 'small'),
  ]
  await complete('joined', UploadId, Parts)
  const answer = await client.send(new GetObjectCommand({Bucket, Key: `${prefix}joined`}))
  const bytes = Buffer.from(await answer.Body!.transformToByteArray())
  expect(bytes.length).toBe(5 * MIB + 6)
  expect(bytes.subarray(-7).toString('latin1')).toBe('\u0001abcdef')
})

test('what is no part of a source, or not the source meant, is not copied', async () => {
  const {ETag = ''} = await client.send(new PutObjectCommand({Bucket, Key: `${prefix}big`, Body: part(6 * MIB, 1)}))
  await client.send(new PutObjectCommand({Bucket, Key: `${prefix}small`, Body: 'abcdef'}))
  const UploadId = await create('joined')
  const refused = async (source: string, more: Partial<UploadPartCopyCommandInput> = {}) =>
    failure(copyPart(UploadId, 1, source, more))
  const argument = {name: 'InvalidArgument', status: 400}
  expect(await refused('big', {CopySourceRange: `bytes=0-${6 * MIB}`})).toMatchObject(argument)
  expect(await refused('big', {CopySourceRange: 'bytes=7-6'})).toMatchObject(argument)
  expect(await refused('big', {CopySourceRange: 'bytes=7-'})).toMatchObject(argument)
  expect(await refused('small', {CopySourceRange: 'bytes=0-2'})).toMatchObject({name: 'InvalidRequest', status: 400})
  expect(await refused('nothing')).toMatchObject({name: 'NoSuchKey', status: 404})
  expect(await refused('big', {CopySourceIfMatch: '"other"'})).toMatchObject({name: 'PreconditionFailed', status: 412})
  expect(await refused('big', {CopySourceIfNoneMatch: ETag})).toMatchObject({status: 412})
  expect(await refused('big', {UploadId: 'gone'})).toMatchObject({name: 'NoSuchUpload', status: 404})
  const Parts = [
    await copyPart(UploadId, 1, 'small', {CopySourceIfMatch: undefined}),
    await copyPart(UploadId, 2, 'big'),
  ]
  expect(await failure(complete('joined', UploadId, Parts))).toMatchObject({name: 'EntityTooSmall', status: 400})
})

const twoParts = async (key: string, sizes: readonly number[]) => {
  const UploadId = await create(key)
  const Parts: CompletedPart[] = []
  for (const [index, size] of sizes.entries()) {
    const {ETag, ChecksumCRC32} = await upload(key, UploadId, index + 1, part(size, index))
    Parts.push({PartNumber: index + 1, ETag: ETag!, ...(ChecksumCRC32 ? {ChecksumCRC32} : {})})
  }
  return {UploadId, Parts}
}

test('conditions hold when the upload is completed', async () => {
  const first = await twoParts('a', [10])
  const second = await twoParts('a', [20])
  await complete('a', first.UploadId, first.Parts, {IfNoneMatch: '*'})
  const refused = await failure(complete('a', second.UploadId, second.Parts, {IfNoneMatch: '*'}))
  expect(refused).toMatchObject({name: 'PreconditionFailed', status: 412})
  const {ETag} = await client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`}))
  const {UploadId, Parts} = await twoParts('a', [30])
  await complete('a', UploadId, Parts, {IfMatch: ETag!})
  const head = await client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`}))
  expect(head.ContentLength).toBe(30)
})

test('a small part in the middle, a wrong order, a part nobody sent, an upload that is done', async () => {
  const {UploadId, Parts} = await twoParts('a', [MIB, 5 * MIB])
  const attempt = (parts: CompletedPart[]) => failure(complete('a', UploadId, parts))
  expect(await attempt(Parts)).toMatchObject({name: 'EntityTooSmall', status: 400})
  expect(await attempt(Parts.toReversed())).toMatchObject({name: 'InvalidPartOrder', status: 400})
  expect(await attempt([{...Parts[0], ETag: '"0123456789abcdef0123456789abcdef"'}])).toMatchObject({
    name: 'InvalidPart',
    status: 400,
  })
  await client.send(new AbortMultipartUploadCommand({Bucket, Key: `${prefix}a`, UploadId}))
  expect(await attempt(Parts)).toMatchObject({name: 'NoSuchUpload', status: 404})
  const none = client.send(new HeadObjectCommand({Bucket, Key: `${prefix}a`}))
  expect(await failure(none)).toMatchObject({status: 404})
})

test('a part may not bring a checksum that its upload did not announce, nor another than it did', async () => {
  const plain = await create('a', {})
  expect(await failure(upload('a', plain, 1, part(9, 1), {ChecksumAlgorithm: 'CRC32'}))).toMatchObject({
    name: 'InvalidRequest',
    status: 400,
  })
  const announced = await create('b', {ChecksumAlgorithm: 'SHA256'})
  expect(await failure(upload('b', announced, 1, part(9, 1), {ChecksumAlgorithm: 'CRC32'}))).toMatchObject({
    name: 'InvalidRequest',
    status: 400,
  })
})
