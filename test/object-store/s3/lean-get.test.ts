import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, test} from 'vitest'
import {toRepriseError} from '../../../src/base/errors.js'
import {CREATE, type ObjectStore} from '../../../src/object-store/object-store.js'
import type {Fault} from '../../support/strict-s3/faults.js'
import {noise, read, text, useStrictServer} from './support.js'

const s3 = useStrictServer()

/** A store whose first GET, the one that the SDK sends, is behind it. */
async function warmed(): Promise<ObjectStore> {
  const store = await s3.open()
  await store.put('first', text('first'), {mode: CREATE})
  await read((await store.get('first')).body)
  return store
}

async function failureOf(work: Promise<unknown>): Promise<object> {
  const {kind, code, message, suggestions} = await work.then(() => {
    throw new Error('it did not fail')
  }, toRepriseError)
  return {kind, code, message, suggestions}
}

test.each(["odd (name)'s!*~", 'spaces and ünïcode/日本語 😀', 'a+b%20c&d=e?f#g', 'x'.repeat(200)])(
  'what the SDK says of %j is said without it',
  async (key) => {
    const store = await s3.open()
    const metadata = {reprise: '1', note: 'a b'}
    await store.put(key, noise(1_000), {mode: CREATE, metadata, contentType: 'application/x-ndjson'})
    const [bySdk, lean] = [await store.get(key), await store.get(key)]
    expect({...lean, body: (await read(lean.body)).toString('hex'), date: 0}).toEqual({
      ...bySdk,
      body: (await read(bySdk.body)).toString('hex'),
      date: 0,
    })
    expect(Math.abs(lean.date - bySdk.date)).toBeLessThan(60_000)
    const part = await store.get(key, {range: {start: 10, end: 20}, ifMatch: lean.etag})
    expect(await read(part.body)).toEqual(Buffer.from(noise(1_000).subarray(10, 20)))
    expect(s3.server.requests.stats()).toMatchObject({operations: {GetObject: 3}, statuses: {200: 3, 206: 1}})
  },
)

describe('a failure is the one that the SDK reports', () => {
  const faults: readonly (readonly [number, string])[] = [
    [404, 'NoSuchKey'],
    [404, 'NoSuchBucket'],
    [403, 'AccessDenied'],
    [403, 'InvalidObjectState'],
    [400, 'ExpiredToken'],
    [412, 'PreconditionFailed'],
    [416, 'InvalidRange'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
    [503, 'SlowDown'],
    [418, 'SomethingNew'],
  ]

  test.each(faults)('%d %s', async (status, code) => {
    const fault: Fault = {type: 'error', status, code}
    const [cold, warm] = [await s3.open(), await warmed()]
    s3.server.faults.add({fault, when: {operation: 'GetObject'}})
    expect(await failureOf(warm.get('first'))).toEqual(await failureOf(cold.get('first')))
  })

  test('one request is sent where the answer leaves nothing to put right', async () => {
    const store = await warmed()
    await expect(store.get('not-there')).rejects.toMatchObject({code: 'OBJECT_NOT_FOUND'})
    await expect(store.get('first', {ifMatch: 'other'})).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    expect(s3.server.requests.stats().statuses).toEqual({200: 2, 404: 1, 412: 1})
  })

  test('bytes that are not those that were stored', async () => {
    const store = await warmed()
    s3.server.faults.add({fault: {type: 'corrupt'}, when: {operation: 'GetObject'}})
    const {body} = await store.get('first')
    await expect(read(body)).rejects.toMatchObject({code: 'CHECKSUM_MISMATCH'})
  })

  test('an aborted signal, before and during the body', async () => {
    const store = await warmed()
    const reason = new Error('enough')
    await expect(store.get('first', {signal: AbortSignal.abort(reason)})).rejects.toBe(reason)
    const abort = new AbortController()
    s3.server.faults.add({fault: {type: 'hang'}, when: {operation: 'GetObject'}})
    const hanging = store.get('first', {signal: abort.signal})
    hanging.catch(() => {})
    await sleep(20)
    abort.abort(reason)
    await expect(hanging).rejects.toBe(reason)
  })
})

test('new credentials are taken up', async () => {
  const {accessKeyId, secretAccessKey} = s3.server
  let given = {accessKeyId, secretAccessKey, expiration: new Date(Date.now() + 1_000)}
  let asked = 0
  const store = await s3.open({
    credentials: async () => {
      asked++
      given = {...given, expiration: new Date(Date.now() + 1_000)}
      return given
    },
  })
  await store.put('a', text('a'), {mode: CREATE})
  for (let times = 0; times < 3; times++) await read((await store.get('a')).body)
  // Credentials that expire within minutes are asked for again each time, also without the SDK.
  expect(asked).toBeGreaterThan(3)
})
