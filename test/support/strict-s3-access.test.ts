import {createHash, createHmac} from 'node:crypto'
import {Agent} from 'node:http'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {clientFor, failure, rawRequest, signedRequest, type Signature} from './strict-s3-clients.js'
import {loopbackLookup, startStrictS3, type StrictS3} from './strict-s3/index.js'
import {uriEncode} from './strict-s3/uri.js'

let server: StrictS3
let client: S3Client
let Bucket: string

beforeAll(async () => {
  server = await startStrictS3()
  client = clientFor(server)
  Bucket = server.bucket
})
beforeEach(() => {
  server.faults.clear()
  server.requests.reset()
  server.clock.offsetMs = 0
})
afterAll(async () => {
  client.destroy()
  await server.close()
})

const put = (Key: string, ExpectedBucketOwner?: string) =>
  client.send(new PutObjectCommand({Bucket, Key, Body: 'x', ...(ExpectedBucketOwner ? {ExpectedBucketOwner} : {})}))
const attempt = async (change: S3ClientConfig) => {
  const other = clientFor(server, change)
  return failure(other.send(new ListObjectsV2Command({Bucket}))).finally(() => other.destroy())
}

describe('who may come in', () => {
  test('wrong secrets, unknown keys, tokens nobody gave, the wrong region', async () => {
    const {accessKeyId, secretAccessKey} = server
    expect(await attempt({credentials: {accessKeyId, secretAccessKey: 'wrong'}})).toMatchObject({
      name: 'SignatureDoesNotMatch',
      status: 403,
    })
    expect(await attempt({credentials: {accessKeyId: 'NOBODY', secretAccessKey: 'x'}})).toMatchObject({
      name: 'InvalidAccessKeyId',
      status: 403,
    })
    expect(await attempt({credentials: {accessKeyId, secretAccessKey, sessionToken: 'stale'}})).toMatchObject({
      name: 'InvalidToken',
      status: 400,
    })
    expect(await attempt({region: 'eu-west-1', followRegionRedirects: false})).toMatchObject({
      name: 'AuthorizationHeaderMalformed',
      status: 400,
    })
  })

  test('nobody without a name', async () => {
    const answer = await rawRequest(server, {method: 'GET', path: `/${Bucket}?list-type=2`})
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('<Code>AccessDenied</Code>')
  })

  test('a presigned URL is good until it expires, and for what it was signed for', async () => {
    await put('presigned')
    const path = presign(server, `/${Bucket}/presigned`, 60)
    expect(await rawRequest(server, {method: 'GET', path})).toMatchObject({status: 200, text: 'x'})
    expect((await rawRequest(server, {method: 'DELETE', path})).text).toContain('<Code>SignatureDoesNotMatch</Code>')
    server.clock.offsetMs = 61_000
    expect((await rawRequest(server, {method: 'GET', path})).text).toContain('Request has expired')
  })

  test('a header of S3 that is not signed is refused', async () => {
    const path = presign(server, `/${Bucket}/presigned`, 60)
    const answer = await rawRequest(server, {method: 'PUT', path, headers: {'x-amz-meta-a': '1', 'content-length': 0}})
    expect(answer.text).toContain('not signed: x-amz-meta-a')
  })

  test('a signature that is sixteen minutes old is too old', async () => {
    const late = await signedRequest(server, {method: 'GET', path: `/${Bucket}`, ageMs: 16 * 60_000})
    expect(late.status).toBe(403)
    expect(late.text).toContain('<Code>RequestTimeTooSkewed</Code>')
    expect((await signedRequest(server, {method: 'GET', path: `/${Bucket}`, ageMs: 14 * 60_000})).status).toBe(200)
  })

  test('dates are those of the server, whatever the machine believes', async () => {
    server.clock.offsetMs = 10 * 60_000
    const answer = await signedRequest(server, {method: 'PUT', path: `/${Bucket}/dated`, body: 'x'})
    const ahead = Date.parse(String(answer.headers['date'])) - Date.now()
    expect(Math.round(ahead / 60_000)).toBe(10)
    const head = await client.send(new HeadObjectCommand({Bucket, Key: 'dated'}))
    expect(Math.round((head.LastModified!.getTime() - Date.now()) / 60_000)).toBe(10)
  })

  test('an expected owner must be the owner', async () => {
    await put('owned', '123456789012')
    expect(await failure(put('owned', '999999999999'))).toMatchObject({name: 'AccessDenied', status: 403})
  })

  test('what is denied is denied, as an IAM policy would', async () => {
    await put('open/a')
    await put('closed/a')
    server.faults.deny('GetObject', 'closed/')
    server.faults.deny('PutObject', 'closed/')
    server.faults.deny('DeleteObject', 'closed/')
    const read = (Key: string) => client.send(new GetObjectCommand({Bucket, Key}))
    expect(await failure(read('closed/a'))).toMatchObject({name: 'AccessDenied', status: 403})
    expect((await read('open/a')).ContentLength).toBe(1)
    expect(await failure(put('closed/b'))).toMatchObject({name: 'AccessDenied', status: 403})
    const Objects = [{Key: 'open/a'}, {Key: 'closed/a'}]
    const removed = await client.send(new DeleteObjectsCommand({Bucket, Delete: {Objects}}))
    expect(removed.Deleted).toEqual([{Key: 'open/a'}])
    expect(removed.Errors).toMatchObject([{Key: 'closed/a', Code: 'AccessDenied'}])
    expect(await failure(read('open/a'))).toMatchObject({status: 404})
    server.faults.deny('ListObjectsV2')
    expect(await failure(client.send(new ListObjectsV2Command({Bucket})))).toMatchObject({status: 403})
    expect(await failure(read('open/a'))).toMatchObject({name: 'AccessDenied', status: 403})
  })
})

const code = (answer: {text: string}): string | undefined => /<Code>(\w+)<\/Code>/.exec(answer.text)?.[1]

describe('bodies', () => {
  const path = '/test-bucket/raw'

  test('a body that is not what was signed', async () => {
    const payload = createHash('sha256').update('other').digest('hex')
    const answer = await signedRequest(server, {method: 'PUT', path, body: 'body', payload})
    expect([answer.status, code(answer)]).toEqual([400, 'XAmzContentSHA256Mismatch'])
  })

  test('no length, no body', async () => {
    const headers = {'transfer-encoding': 'chunked'}
    const answer = await signedRequest(server, {method: 'PUT', path, body: 'body', headers})
    expect([answer.status, code(answer)]).toEqual([411, 'MissingContentLength'])
  })

  test('two checksums, a malformed one, one announced and not sent', async () => {
    const crc = {'x-amz-checksum-crc32': 'NhCmhg=='}
    const both = {...crc, 'x-amz-checksum-sha1': 'qvTGHdzF6KLavt4PO0gs2a6pQ00='}
    expect(code(await signedRequest(server, {method: 'PUT', path, body: 'hello', headers: both}))).toBe(
      'InvalidRequest',
    )
    const malformed = {'x-amz-checksum-crc32': 'AAAA'}
    expect(code(await signedRequest(server, {method: 'PUT', path, body: 'hello', headers: malformed}))).toBe(
      'InvalidRequest',
    )
    const missing = {'x-amz-sdk-checksum-algorithm': 'CRC32'}
    expect(code(await signedRequest(server, {method: 'PUT', path, body: 'hello', headers: missing}))).toBe(
      'InvalidRequest',
    )
    expect((await signedRequest(server, {method: 'PUT', path, body: 'hello', headers: crc})).status).toBe(200)
  })

  const trailing = (crc32: string, declared = 5) =>
    signedRequest(server, {
      method: 'PUT',
      path,
      payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(declared),
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      body: `2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:${crc32}\r\n\r\n`,
    })

  test('an unsigned trailer: right, wrong, and another length than declared', async () => {
    expect((await trailing('NhCmhg==')).status).toBe(200)
    expect(server.store.read('test-bucket', 'raw')?.toString()).toBe('hello')
    expect(code(await trailing('AAAAAA=='))).toBe('BadDigest')
    expect(code(await trailing('NhCmhg==', 6))).toBe('IncompleteBody')
  })

  const chunked = (payload: string, forge: 'nothing' | 'chunk' | 'trailer') => {
    const withTrailer = payload.endsWith('TRAILER')
    return signedRequest(server, {
      method: 'PUT',
      path,
      payload,
      headers: {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '5',
        ...(withTrailer ? {'x-amz-trailer': 'x-amz-checksum-crc32'} : {}),
      },
      chunked: (signature) => signedChunks(signature, withTrailer, forge),
    })
  }

  test.each(['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'])(
    'chunks that are signed: %s',
    async (payload) => {
      expect((await chunked(payload, 'nothing')).text).toBe('')
      expect(server.store.read('test-bucket', 'raw')?.toString()).toBe('hello')
      expect(code(await chunked(payload, 'chunk'))).toBe('SignatureDoesNotMatch')
    },
  )

  test('a trailer that somebody changed', async () => {
    const answer = await chunked('STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', 'trailer')
    expect(code(answer)).toBe('SignatureDoesNotMatch')
  })
})

describe('addressing', () => {
  test('virtual hosts, and path-style refused where only they are served', async () => {
    const virtual = clientFor(server, {
      endpoint: server.virtualEndpoint,
      forcePathStyle: false,
      requestHandler: {httpAgent: new Agent({lookup: loopbackLookup})},
    })
    try {
      await virtual.send(new PutObjectCommand({Bucket, Key: 'virtual/a b', Body: 'x'}))
      expect(server.requests.entries[0]).toMatchObject({bucket: Bucket, key: 'virtual/a b', status: 200})
      expect(server.requests.entries[0]?.headers?.['host']).toBe(`${Bucket}.localhost:${server.port}`)
      server.settings.addressing = 'virtual'
      expect(await failure(put('path'))).toMatchObject({name: 'SecondLevelDomainForbidden', status: 403})
      const listed = await virtual.send(new ListObjectsV2Command({Bucket, Prefix: 'virtual/'}))
      expect(listed.KeyCount).toBe(1)
    } finally {
      server.settings.addressing = 'both'
      virtual.destroy()
    }
  })
})

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

function signedChunks({signature, signingKey, date, scope}: Signature, trailer: boolean, forge: string): string {
  let previous = signature
  const sign = (kind: string, ...hashes: string[]): string => {
    const text = [`AWS4-HMAC-SHA256-${kind}`, date, scope, previous, ...hashes].join('\n')
    previous = hmac(signingKey, text).toString('hex')
    return previous
  }
  const chunk = (data: string): string =>
    `${data.length.toString(16)};chunk-signature=${sign('PAYLOAD', sha256(''), sha256(data))}\r\n`
  const body = `${chunk('hello')}${forge === 'chunk' ? 'jello' : 'hello'}\r\n${chunk('')}`
  if (!trailer) return `${body}\r\n`
  const signed = sign('TRAILER', sha256('x-amz-checksum-crc32:NhCmhg==\n'))
  const crc32 = forge === 'trailer' ? 'AAAAAA==' : 'NhCmhg=='
  return `${body}x-amz-checksum-crc32:${crc32}\r\nx-amz-trailer-signature:${signed}\r\n\r\n`
}

function presign({accessKeyId, secretAccessKey, region, endpoint}: StrictS3, path: string, seconds: number): string {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`
  const query = Object.entries({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scope}`,
    'X-Amz-Date': date,
    'X-Amz-Expires': String(seconds),
    'X-Amz-SignedHeaders': 'host',
  })
    .map(([name, value]) => `${name}=${uriEncode(value)}`)
    .join('&')
  const canonical = ['GET', path, query, `host:${new URL(endpoint).host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n')
  const signingKey = [date.slice(0, 8), region, 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${secretAccessKey}`,
  )
  const signature = hmac(signingKey, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n'))
  return `${path}?${query}&X-Amz-Signature=${signature.toString('hex')}`
}
