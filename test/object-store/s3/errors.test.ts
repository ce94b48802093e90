import {createServer, type Server} from 'node:http'
import {once} from 'node:events'
import type {AddressInfo} from 'node:net'
import {inspect} from 'node:util'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {RepriseError} from '../../../src/base/errors.js'
import {CREATE, type ObjectStore, OVERWRITE} from '../../../src/object-store/object-store.js'
import type {S3StoreOptions} from '../../../src/object-store/s3/options.js'
import {openAt, useStrictServer} from './support.js'

const bytes = new TextEncoder().encode('bytes\n')

async function failure(promise: Promise<unknown>): Promise<RepriseError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  )
  if (error instanceof RepriseError) return error
  throw error
}

async function listAny(store: ObjectStore): Promise<void> {
  for await (const page of store.list({prefix: ''})) expect(page.date).toBeGreaterThan(0)
}

/** As the SDK's own chain rejects when it has found nothing. */
async function noCredentials(): Promise<never> {
  throw Object.assign(new Error('Could not load credentials from any providers'), {name: 'CredentialsProviderError'})
}

describe('failures of S3', () => {
  const s3 = useStrictServer()
  const open = async (more: Partial<S3StoreOptions> = {}) => s3.open(more)

  test.each([
    [404, 'NoSuchBucket', 'BUCKET_NOT_FOUND', 'not-found', /reprise init --store s3:\/\//],
    [403, 'AccessDenied', 'ACCESS_DENIED', 'permission', /s3:GetObject/],
    [400, 'ExpiredToken', 'ACCESS_DENIED', 'permission', /Sign in again/],
    [403, 'InvalidAccessKeyId', 'ACCESS_DENIED', 'permission', /AWS_ACCESS_KEY_ID/],
    [403, 'SignatureDoesNotMatch', 'ACCESS_DENIED', 'permission', /AWS_SECRET_ACCESS_KEY/],
    [403, 'RequestTimeTooSkewed', 'ACCESS_DENIED', 'permission', /clock/],
    [403, 'InvalidObjectState', 'OBJECT_ARCHIVED', 'bad-data', /restore-object/],
    [503, 'SlowDown', 'STORE_THROTTLED', 'unreachable', /--concurrency/],
    [503, 'ServiceUnavailable', 'STORE_THROTTLED', 'unreachable', /--concurrency/],
    [429, 'TooManyRequests', 'STORE_THROTTLED', 'unreachable', /--concurrency/],
    [500, 'InternalError', 'STORE_UNREACHABLE', 'unreachable', /again/],
    [501, 'NotImplemented', 'UNSUPPORTED', 'usage', /server/],
    [409, 'OperationAborted', 'STORE_CONFLICT', 'conflict', /again/],
    [507, 'XMinioStorageFull', 'STORE_FULL', 'unreachable', /quota/],
    [418, 'SomethingNew', 'UNSUPPORTED', 'usage', /server/],
  ])('%i %s is %s', async (status, s3Code, code, kind, suggestion) => {
    s3.server.faults.add({fault: {type: 'error', status, code: s3Code}})
    const error = await failure((await open()).get('some/key'))
    expect(error).toMatchObject({code, kind, details: {operation: 'GetObject', key: 'some/key', status}})
    expect(error.suggestions.join(' ')).toMatch(suggestion)
    expect(error.message).toContain('test-bucket')
  })

  test('a write names the action that is missing, a missing bucket its name', async () => {
    s3.server.faults.deny('PutObject')
    const store = await open()
    const denied = await failure(store.put('a', bytes, {mode: CREATE}))
    expect(denied.suggestions.join(' ')).toContain('s3:PutObject')
    const missing = await failure(listAny(await open({bucket: 'not-there'})))
    expect(missing).toMatchObject({code: 'BUCKET_NOT_FOUND', message: "There is no bucket 'not-there'."})
  })

  test('wrong region names the right one', async () => {
    const error = await failure(listAny(await open({region: 'eu-central-1'})))
    expect(error).toMatchObject({code: 'BUCKET_NOT_FOUND', kind: 'not-found'})
    expect(error.suggestions.join(' ')).toContain(`--region ${s3.server.region}`)
  })

  test('409 and 412 by mode', async () => {
    const store = await open()
    const {etag} = await store.put('a', bytes, {mode: CREATE})
    s3.server.faults.add({fault: {type: 'error', status: 409, code: 'ConditionalRequestConflict'}, times: 1})
    expect(await failure(store.put('b', bytes, {mode: CREATE}))).toMatchObject({code: 'STORE_CONFLICT'})
    expect(await failure(store.put('a', bytes, {mode: CREATE}))).toMatchObject({code: 'OBJECT_EXISTS'})
    expect(await failure(store.put('a', bytes, {mode: {type: 'update', etag: 'other'}}))).toMatchObject({
      code: 'OBJECT_CHANGED',
    })
    expect(await failure(store.put('none', bytes, {mode: {type: 'update', etag}}))).toMatchObject({
      code: 'OBJECT_CHANGED',
    })
  })

  test('no credentials', async () => {
    const error = await failure(listAny(await open({credentials: noCredentials})))
    expect(error).toMatchObject({code: 'CREDENTIALS_MISSING', kind: 'permission'})
    expect(error.suggestions.join(' ')).toContain('AWS_PROFILE')
  })

  test('nothing listens', async () => {
    const {endpoint} = s3.server
    await s3.server.close()
    const error = await failure(listAny(await open({endpoint})))
    expect(error).toMatchObject({code: 'STORE_UNREACHABLE', kind: 'unreachable'})
    expect(error.message).toContain('nothing listens there')
  })

  test('a name that does not resolve', async () => {
    const error = await failure(listAny(await open({endpoint: 'https://nowhere.invalid'})))
    expect(error).toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(error.message).toContain('does not resolve')
  })

  test('https against a server that speaks http', async () => {
    const error = await failure(listAny(await open({endpoint: s3.server.endpoint.replace('http:', 'https:')})))
    expect(error).toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(error.message).toContain('TLS')
  })

  test('a server that hangs is given up after the idle time', async () => {
    s3.server.faults.add({fault: {type: 'hang'}})
    const error = await failure(listAny(await open({idleTimeoutMs: 300})))
    expect(error).toMatchObject({code: 'STORE_UNREACHABLE', kind: 'unreachable'})
    expect(error.message).toContain('in time')
  })

  test("the caller's own failure passes as it is", async () => {
    const own = new Error('disk is gone')
    const body = {
      size: 5,
      async *open(): AsyncGenerator<Uint8Array> {
        yield bytes.subarray(0, 2)
        throw own
      },
    }
    await expect((await open()).put('a', body, {mode: OVERWRITE})).rejects.toBe(own)
  })

  test('no secret is in any error, however deep one looks', async () => {
    const secretAccessKey = 'Sup3r/Secret+KeyThatMustNeverShow0000000'
    const sessionToken = 'IQoJb3JpZ2luX2VjTokenThatMustNeverShow'
    const credentials = {accessKeyId: s3.server.accessKeyId, secretAccessKey, sessionToken}
    const wrong = await open({credentials})
    const hanging = await open({credentials: {...credentials, sessionToken}, idleTimeoutMs: 200})
    const errors = [
      await failure(wrong.put('a', bytes, {mode: CREATE})),
      await failure(wrong.get('a')),
      await failure(wrong.head('a')),
      await failure(wrong.copy('a', 'b', {mode: CREATE})),
      await failure(listAny(wrong)),
    ]
    s3.server.faults.add({fault: {type: 'hang'}})
    errors.push(await failure(hanging.get('a')))
    s3.server.faults.clear()
    s3.server.faults.add({fault: {type: 'reset', at: 'before'}})
    errors.push(await failure(wrong.get('a')))
    for (const error of errors) {
      const shown = inspect(error, {depth: 20, showHidden: true, getters: true}) + JSON.stringify(error)
      expect(shown).not.toContain(secretAccessKey)
      expect(shown).not.toContain(sessionToken)
      expect(shown).not.toContain(credentials.accessKeyId)
      expect(shown).not.toMatch(/AWS4-HMAC|authorization["':]|Signature=|[^a-z0-9][0-9a-f]{64}[^a-z0-9]/i)
    }
  })
})

describe('servers that are none', () => {
  let server: Server
  let answer: {status: number; headers: Record<string, string>; body: string}

  beforeEach(async () => {
    server = createServer((request, response) => {
      request.resume()
      response.sendDate = false
      response.writeHead(answer.status, answer.headers).end(answer.body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const open = () =>
    openAt({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      bucket: 'bucket',
      region: 'us-east-1',
      accessKeyId: 'key',
      secretAccessKey: 'secret',
    })

  test('an answer without a date is refused: leases compare dates', async () => {
    answer = {status: 200, headers: {etag: '"e"'}, body: ''}
    const store = await open()
    const error = await failure(store.put('a', bytes, {mode: CREATE}))
    expect(error).toMatchObject({code: 'UNSUPPORTED'})
    expect(error.message).toContain('Date')
    await store.close()
  })

  test.each([
    [200, 'STORE_UNREACHABLE'],
    [404, 'BUCKET_NOT_FOUND'],
    [502, 'STORE_UNREACHABLE'],
  ])('a web page with %i does not pass for a store', async (status, code) => {
    answer = {
      status,
      headers: {'content-type': 'text/html', date: 'Sat, 21 Nov 2026 10:00:00 GMT'},
      body: '<html><body><p>Welcome<br>sign in</body></html>',
    }
    const store = await open()
    const error = await failure(listAny(store))
    expect(error.code).toBe(code)
    await store.close()
  })
})
