import {describe, expect, test} from 'vitest'
import {hasCode} from '../../../src/base/errors.js'
import {listAll} from '../../../src/object-store/list-all.js'
import {CREATE, OVERWRITE} from '../../../src/object-store/object-store.js'
import {
  ANSWER_LOST,
  CONDITIONAL_CONFLICT,
  type Fault,
  INTERNAL_ERROR,
  SLOW_DOWN,
} from '../../support/strict-s3/index.js'
import {MIB, noise, read, stream, text, useStrictServer} from './support.js'

const s3 = useStrictServer()
const RESET: Fault = {type: 'reset', at: 'before'}
const limits = {singlePut: 5 * MIB, part: 5 * MIB}

describe('how often a request is sent', () => {
  test.each([
    ['503', SLOW_DOWN],
    ['500', INTERNAL_ERROR],
    ['409', CONDITIONAL_CONFLICT],
    ['a broken connection', RESET],
  ])('a put that meets %s each time: as often as there are tries', async (_name, fault) => {
    s3.server.faults.add({fault})
    const {store, notices} = await s3.openRetrying({}, {attempts: 3})
    await expect(store.put('a', text('a'), {mode: CREATE})).rejects.toMatchObject({name: 'RepriseError'})
    expect(s3.server.requests.count('PutObject')).toBe(3)
    expect(notices).toHaveLength(2)
  })

  test('once without a policy, and once with --retries 0', async () => {
    s3.server.faults.add({fault: SLOW_DOWN})
    await expect((await s3.open()).head('a')).rejects.toMatchObject({code: 'STORE_THROTTLED'})
    const {store} = await s3.openRetrying({}, {attempts: 1})
    await expect(store.head('a')).rejects.toMatchObject({code: 'STORE_THROTTLED'})
    expect(s3.server.requests.count('HeadObject')).toBe(2)
  })

  test('a failed part is sent again alone: the source is read once', async () => {
    const {store, notices} = await s3.openRetrying({limits})
    const bytes = noise(12 * MIB)
    const body = stream(bytes)
    s3.server.faults.add({fault: SLOW_DOWN, when: {operation: 'UploadPart'}, skip: 1, times: 2})
    await store.put('a', body, {mode: CREATE})
    expect(body.opened()).toBe(1)
    expect(s3.server.requests.count('UploadPart')).toBe(5)
    expect(notices.map(({operation}) => operation)).toEqual(['UploadPart', 'UploadPart'])
    expect((await read((await store.get('a')).body)).equals(bytes)).toBe(true)
  })

  test('what was repeated to the end inside is not repeated as a whole', async () => {
    const {store} = await s3.openRetrying({limits}, {attempts: 3})
    const body = stream(noise(6 * MIB))
    s3.server.faults.add({fault: SLOW_DOWN, when: {operation: 'CompleteMultipartUpload'}})
    await expect(store.put('a', body, {mode: CREATE})).rejects.toMatchObject({code: 'STORE_THROTTLED'})
    expect(s3.server.requests.count('CompleteMultipartUpload')).toBe(3)
    expect(body.opened()).toBe(1)
    expect(s3.server.requests.count('AbortMultipartUpload')).toBe(1)
  })

  test('an upload that another has aborted begins anew', async () => {
    const {store} = await s3.openRetrying({limits})
    const fault: Fault = {type: 'error', status: 404, code: 'NoSuchUpload'}
    s3.server.faults.add({fault, when: {operation: 'UploadPart'}, times: 1})
    const body = stream(noise(6 * MIB))
    await store.put('a', body, {mode: CREATE})
    expect(body.opened()).toBe(2)
    expect(await store.head('a')).toMatchObject({size: 6 * MIB})
  })

  test('a page of a listing is asked for again with its token, not by its last key', async () => {
    const {store} = await s3.openRetrying()
    const keys = ['a', 'b', 'c', 'd', 'e']
    for (const key of keys) await store.put(key, text(key), {mode: CREATE})
    s3.server.faults.add({fault: INTERNAL_ERROR, when: {operation: 'ListObjectsV2'}, skip: 1, times: 2})
    s3.server.requests.reset()
    expect((await listAll(store, {prefix: '', pageSize: 2})).objects.map(({key}) => key)).toEqual(keys)
    expect(s3.server.requests.count('ListObjectsV2')).toBe(5)
  })

  test('a listing that always fails at its second page ends', async () => {
    const {store} = await s3.openRetrying({}, {attempts: 3})
    for (const key of ['a', 'b', 'c']) await store.put(key, text(key), {mode: CREATE})
    s3.server.faults.add({fault: INTERNAL_ERROR, when: {operation: 'ListObjectsV2'}, skip: 1})
    await expect(listAll(store, {prefix: '', pageSize: 2})).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(s3.server.requests.count('ListObjectsV2')).toBe(4)
  })
})

describe('writes of which the answer was lost', () => {
  test('the put that is sent again finds its own object, and that is no conflict', async () => {
    const {store} = await s3.openRetrying()
    s3.server.faults.add({fault: ANSWER_LOST, times: 1})
    const {etag} = await store.put('a', text('a'), {mode: CREATE, metadata: {who: 'me'}})
    s3.server.faults.add({fault: ANSWER_LOST, times: 1})
    const second = await store.put('a', text('b'), {mode: {type: 'update', etag}})
    expect(await store.head('a')).toMatchObject({etag: second.etag})
  })

  test('a put that timed out and landed: the same', async () => {
    const {store, notices} = await s3.openRetrying({idleTimeoutMs: 200})
    s3.server.faults.add({fault: {type: 'delay', afterMs: 1000}, when: {operation: 'PutObject'}, times: 1})
    const {etag} = await store.put('a', text('a'), {mode: CREATE, metadata: {who: 'me'}})
    expect(notices).toMatchObject([{operation: 'put', error: {code: 'STORE_UNREACHABLE'}}])
    expect(await store.head('a')).toMatchObject({etag})
  })

  test("another's object is a conflict, of which the caller learns that its own try may be what it sees", async () => {
    const {store} = await s3.openRetrying()
    await store.put('a', text('same'), {mode: CREATE, metadata: {who: 'other'}})
    s3.server.faults.add({fault: RESET, when: {operation: 'PutObject'}, times: 1})
    await expect(store.put('a', text('same'), {mode: CREATE, metadata: {who: 'me'}})).rejects.toMatchObject({
      code: 'OBJECT_EXISTS',
      details: {retried: true},
    })
  })

  test('after a 409 nothing has landed: an object of equal bytes is a plain conflict', async () => {
    const {store} = await s3.openRetrying()
    await store.put('a', text('same'), {mode: CREATE})
    s3.server.faults.add({fault: CONDITIONAL_CONFLICT, when: {operation: 'PutObject'}, times: 1})
    const error: unknown = await store.put('a', text('same'), {mode: CREATE}).catch((reason: unknown) => reason)
    expect(hasCode(error, 'OBJECT_EXISTS') && error.details).not.toHaveProperty('retried')
    expect(s3.server.requests.count('PutObject')).toBe(3)
  })

  test('a copy whose last look at it fails is not copied again', async () => {
    const {store} = await s3.openRetrying()
    await store.put('a', text('a'), {mode: CREATE})
    s3.server.faults.add({fault: SLOW_DOWN, when: {operation: 'HeadObject', key: 'b'}, skip: 1, times: 2})
    await store.copy('a', 'b', {mode: CREATE, metadata: {k: 'v'}})
    expect(s3.server.requests.count('CopyObject')).toBe(1)
  })
})

describe('an undecided race', () => {
  test('a 409 is tried again, for creates, updates and joins', async () => {
    const {store, notices} = await s3.openRetrying({limits})
    const conflict = (operation: 'PutObject' | 'CompleteMultipartUpload') =>
      s3.server.faults.add({fault: CONDITIONAL_CONFLICT, when: {operation}, times: 1})
    conflict('PutObject')
    const {etag} = await store.put('a', text('1'), {mode: CREATE})
    conflict('PutObject')
    await store.put('a', text('2'), {mode: {type: 'update', etag}})
    conflict('CompleteMultipartUpload')
    await store.put('large', noise(6 * MIB), {mode: CREATE})
    expect(notices.map(({error}) => error.code)).toEqual(['STORE_CONFLICT', 'STORE_CONFLICT', 'STORE_CONFLICT'])
    expect(s3.server.requests.count('UploadPart')).toBe(2)
  })
})

describe('how long a store is left alone', () => {
  test.each([
    ['seconds', false],
    ["a date by the store's clock", true],
  ])('Retry-After as %s', async (_form, retryAfterAsDate) => {
    const at = Date.now()
    await s3.start({now: () => at + 100_000})
    s3.server.faults.add({fault: {...SLOW_DOWN, retryAfterSeconds: 1, retryAfterAsDate}, times: 1})
    const {store, notices} = await s3.openRetrying()
    await store.put('a', text('a'), {mode: OVERWRITE})
    expect(Date.now() - at).toBeGreaterThanOrEqual(900)
    expect(notices[0]?.error.details['retryAfterMs']).toBe(1000)
  })

  test('one request is told, all of the store wait', async () => {
    s3.server.faults.add({fault: {...SLOW_DOWN, retryAfterSeconds: 1}, times: 1})
    const {store} = await s3.openRetrying()
    const first = store.head('a')
    while (s3.server.requests.count('HeadObject') === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const at = Date.now()
    await Promise.all(['b', 'c', 'd'].map((key) => store.head(key)))
    expect(Date.now() - at).toBeGreaterThanOrEqual(800)
    await first
  })
})
