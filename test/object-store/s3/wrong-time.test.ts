import {describe, expect, test} from 'vitest'
import {CREATE} from '../../../src/object-store/object-store.js'
import {MIB, noise, read, text, useStrictServer} from './support.js'

const HOUR = 3_600_000
const first = {accessKeyId: 'FIRST', secretAccessKey: 'first-secret', sessionToken: 'first-token'}
const second = {accessKeyId: 'SECOND', secretAccessKey: 'second-secret', sessionToken: 'second-token'}

// Every request is sent once by the SDK, and there is no policy: what is put right here is no retry.
describe.each([
  ['ahead', HOUR],
  ['behind', -HOUR],
])("this machine's clock is an hour %s", (_name, offset) => {
  const s3 = useStrictServer({now: () => Date.now() - offset})

  test('one request is refused, signed by the store’s time and sent again; the next are right at once', async () => {
    const store = await s3.open()
    await store.put('a', text('a'), {mode: CREATE})
    expect(s3.server.requests.stats().statuses).toEqual({200: 1, 403: 1})
    expect((await read((await store.get('a')).body)).toString()).toBe('a')
    expect(s3.server.requests.stats().statuses).toEqual({200: 2, 403: 1})
  })

  test('a HEAD, whose refusal gives no reason, too', async () => {
    expect(await (await s3.open()).head('a')).toBeUndefined()
    expect(s3.server.requests.stats().statuses).toEqual({403: 1, 404: 1})
  })

  test('many at once, and an upload in parts', async () => {
    const store = await s3.open({limits: {singlePut: 5 * MIB, part: 5 * MIB}})
    await Promise.all([
      store.put('large', noise(11 * MIB), {mode: CREATE}),
      ...['a', 'b', 'c', 'd'].map((key) => store.put(key, text(key), {mode: CREATE})),
    ])
    expect(s3.server.store.keys(s3.server.bucket)).toEqual(['a', 'b', 'c', 'd', 'large'])
  })
})

describe('credentials', () => {
  const s3 = useStrictServer({moreCredentials: [{...first, expires: Date.now() + HOUR}, second]})

  function source(...given: readonly (typeof first & {readonly expiration?: Date})[]) {
    let asked = 0
    return {
      asked: () => asked,
      credentials: async () => given[Math.min(asked++, given.length - 1)] ?? first,
    }
  }

  test('new ones are taken before the present ones expire', async () => {
    const {credentials, asked} = source({...first, expiration: new Date(Date.now() + 60_000)}, second)
    const store = await s3.open({credentials})
    await store.put('a', text('a'), {mode: CREATE})
    await store.put('b', text('b'), {mode: CREATE})
    expect(asked()).toBe(2)
    expect(s3.server.requests.stats().statuses).toEqual({200: 2})
    expect(s3.server.requests.entries.at(-1)?.accessKeyId).toBe('SECOND')
  })

  test('new ones are taken when the store says that the present ones have expired, once for all requests', async () => {
    const {credentials, asked} = source(first, second)
    const store = await s3.open({credentials})
    await store.put('a', text('a'), {mode: CREATE})
    s3.server.clock.offsetMs = HOUR
    await Promise.all([...['b', 'c', 'd'].map((key) => store.put(key, text(key), {mode: CREATE})), store.head('a')])
    expect(asked()).toBe(2)
    expect(s3.server.store.keys(s3.server.bucket)).toEqual(['a', 'b', 'c', 'd'])
  })

  test('where there are no others, the refusal stands and says what to do', async () => {
    const store = await s3.open({credentials: source(first).credentials})
    s3.server.clock.offsetMs = HOUR
    await expect(store.put('a', text('a'), {mode: CREATE})).rejects.toMatchObject({
      code: 'ACCESS_DENIED',
      details: {s3Code: 'ExpiredToken'},
      suggestions: [expect.stringContaining('Sign in again')],
    })
  })
})
