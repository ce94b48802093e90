import {Agent} from 'node:http'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {compareKeys} from '../../src/object-store/key-order.js'
import {clientFor, failure, signedRequest} from './strict-s3-clients.js'
import {DIRECTORY_CLASS, DIRECTORY_SUFFIX, loopbackLookup, startStrictS3, type StrictS3} from './strict-s3/index.js'

describe('a server of directory buckets', () => {
  let server: StrictS3
  let client: S3Client
  let Bucket: string

  beforeAll(async () => {
    server = await startStrictS3({directoryBucket: true})
    Bucket = server.bucket
    client = clientFor(server, {
      endpoint: server.virtualEndpoint,
      forcePathStyle: false,
      disableS3ExpressSessionAuth: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      requestHandler: {httpAgent: new Agent({lookup: loopbackLookup})},
    })
    for (const Key of ['a/1', 'a/2', 'a/b/3', 'c']) await client.send(new PutObjectCommand({Bucket, Key, Body: Key}))
  })
  afterAll(async () => {
    client.destroy()
    await server.close()
  })

  test('the buckets have the suffix, and none without it is made', async () => {
    expect(Bucket).toBe(`test-bucket${DIRECTORY_SUFFIX}`)
    expect(await failure(client.send(new CreateBucketCommand({Bucket: 'plain-bucket'})))).toMatchObject({
      name: 'InvalidBucketName',
    })
    const plain = await startStrictS3()
    // By plain HTTP, as the SDK sends the making of such a bucket to another host.
    const {status} = await signedRequest(plain, {method: 'PUT', path: `/other${DIRECTORY_SUFFIX}`})
    expect(status).toBe(400)
    await plain.close()
  })

  test('requests are signed for s3express', async () => {
    const {status, text} = await signedRequest(server, {method: 'HEAD', path: `/${Bucket}/c`})
    expect([status, text]).toEqual([400, ''])
  })

  test('listings: prefixes and delimiters end in /, nothing after a key, no first version', async () => {
    const listing = (more: Record<string, string>) => client.send(new ListObjectsV2Command({Bucket, ...more}))
    expect((await listing({Prefix: 'a/', Delimiter: '/'})).CommonPrefixes).toEqual([{Prefix: 'a/b/'}])
    expect(await failure(listing({Prefix: 'a'}))).toMatchObject({status: 400, name: 'InvalidRequest'})
    expect(await failure(listing({Delimiter: '-'}))).toMatchObject({status: 400, name: 'InvalidRequest'})
    expect(await failure(listing({StartAfter: 'a/1'}))).toMatchObject({status: 501})
    expect(await failure(client.send(new ListObjectsCommand({Bucket})))).toMatchObject({status: 501})
  })

  test('a class of its own, and no other', async () => {
    const head = await client.send(new HeadObjectCommand({Bucket, Key: 'c'}))
    expect(head.StorageClass).toBe(DIRECTORY_CLASS)
    const put = new PutObjectCommand({Bucket, Key: 'd', Body: 'd', StorageClass: 'STANDARD_IA'})
    expect(await failure(client.send(put))).toMatchObject({name: 'InvalidStorageClass'})
  })

  test('a folder of uploads under way is listed; parts are numbered without gaps', async () => {
    const Key = 'up/large'
    const {UploadId} = await client.send(new CreateMultipartUploadCommand({Bucket, Key}))
    const folders = async () => {
      const {CommonPrefixes = []} = await client.send(new ListObjectsV2Command({Bucket, Delimiter: '/'}))
      return CommonPrefixes.map(({Prefix = ''}) => Prefix).toSorted(compareKeys)
    }
    expect(await folders()).toEqual(['a/', 'up/'])
    const {ETag} = await client.send(new UploadPartCommand({Bucket, Key, UploadId, PartNumber: 2, Body: 'part'}))
    const MultipartUpload = {Parts: [{PartNumber: 2, ETag}]}
    const join = new CompleteMultipartUploadCommand({Bucket, Key, UploadId, MultipartUpload})
    expect(await failure(client.send(join))).toMatchObject({name: 'InvalidRequest'})
  })

  test('a batch of deletes with a control character in it deletes nothing', async () => {
    const Delete = {Objects: [{Key: 'c'}, {Key: 'bell\u0085'}]}
    expect(await failure(client.send(new DeleteObjectsCommand({Bucket, Delete})))).toMatchObject({
      name: 'InvalidRequest',
    })
    expect(server.store.keys(Bucket, 'c')).toEqual(['c'])
  })
})
