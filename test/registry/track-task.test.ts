import {randomUUID} from 'node:crypto'
import {subscribe, unsubscribe} from 'node:diagnostics_channel'
import {setTimeout as delay} from 'node:timers/promises'
import {describe, expect, onTestFinished, test} from 'vitest'
import type {Clock} from '../../src/base/clock.js'
import {RepriseError} from '../../src/base/errors.js'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {trackTask} from '../../src/library/track-task.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {Entry, Link, Registry} from '../../src/registry/registry.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import type {TaskEvent, TaskSink} from '../../src/registry/task-recorder.js'
import {trackTask as trackWithClock} from '../../src/registry/track-task.js'

type Message = {readonly type: string} & Readonly<Record<string, unknown>>

const A = randomUUID()
const B = randomUUID()

const init = (session_id: string = A): Message => ({
  type: 'system',
  subtype: 'init',
  session_id,
  cwd: '/code',
  claude_code_version: '2.1.329',
})
const assistant = (session_id = A): Message => ({type: 'assistant', session_id, message: {content: []}})
const result = (fields: object = {}, session_id = A): Message => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  session_id,
  duration_ms: 100,
  total_cost_usd: 0.5,
  ...fields,
})

async function* talk(...messages: Message[]): AsyncGenerator<Message, void, unknown> {
  yield* messages
}

async function* failing(...messages: Message[]): AsyncGenerator<Message, void, unknown> {
  yield* messages
  throw new Error('claude is gone')
}

function memoryRegistry(): Registry {
  const store = new MemoryObjectStore({clock: systemClock})
  return new StoreRegistry({store, clock: systemClock, random: systemRandom})
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

const found = async (registry: Registry): Promise<Entry | undefined> => registry.find('task', 'T')

/** A registry that keeps what it is told, and may fail. */
function spyRegistry(answer: (link: Link, call: number) => Promise<void> = async () => {}) {
  const links: (Link & {readonly after?: string | undefined})[] = []
  const registry: TaskSink = {
    async assign(link, {after}) {
      links.push({...link, after})
      await answer(link, links.length)
    },
  }
  return {registry, links}
}

/** A clock whose sleeps end when the test says so, or with their signal. */
function heldClock() {
  const sleeps: {readonly ms: number; readonly end: () => void}[] = []
  const clock: Clock = {
    now: () => 0,
    sleep: async (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        sleeps.push({ms, end: resolve})
        signal?.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  }
  return {clock, sleeps}
}

const unreachable = () => new RepriseError({kind: 'unreachable', code: 'STORE_UNREACHABLE', message: 'down'})

describe('what is recorded', () => {
  test('the session at the first message that names it, before the second is asked for', async () => {
    const registry = memoryRegistry()
    const hook = {type: 'system', subtype: 'hook_started', session_id: A}
    const tracked = trackTask(talk({type: 'keep_alive'}, hook, init(), result()), {registry, taskId: 'T'})
    await tracked.next()
    await delay(10)
    expect(await found(registry)).toBeUndefined()
    await tracked.next()
    await expect.poll(async () => found(registry)).toMatchObject({sessionId: A, status: 'running', agent: 'claude'})
    await tracked.next()
    await expect
      .poll(async () => found(registry))
      .toMatchObject({cwd: '/code', launch: {version: '2.1.329'}, status: 'running'})
    await all(tracked)
    expect(await found(registry)).toMatchObject({status: 'ended', costUsd: 0.5, durationMs: 100})
  })

  test('each result: the last cost, all durations; running again in between', async () => {
    const {registry, links} = spyRegistry()
    const messages = [init(), result(), init(), result({total_cost_usd: 0.7, duration_ms: 30, is_error: true})]
    const tracked = trackTask(talk(...messages), {registry, taskId: 'T'})
    for (const message of messages) {
      expect((await tracked.next()).value).toBe(message)
      await delay(5)
    }
    await tracked.next()
    expect(links.map(({status, costUsd, durationMs}) => [status, costUsd, durationMs])).toEqual([
      ['running', undefined, undefined],
      ['ended', 0.5, 100],
      ['running', 0.5, 100],
      ['failed', 0.7, 130],
    ])
  })

  test("the caller's facts go along and win, but for status, cost and duration", async () => {
    const registry = memoryRegistry()
    const facts = {store: 's3://b/p', machine: 'm', cwd: '/elsewhere', status: 'x', costUsd: 9}
    await all(trackTask(talk(init(), result()), {registry, taskId: 'T', facts}))
    expect(await found(registry)).toMatchObject({
      store: 's3://b/p',
      machine: 'm',
      cwd: '/elsewhere',
      status: 'ended',
      costUsd: 0.5,
    })
  })

  test('a query that changes its session makes the chain longer', async () => {
    const registry = memoryRegistry()
    const messages = [
      init(A),
      result({duration_ms: 70}),
      assistant(B),
      init(B),
      assistant(A),
      result({total_cost_usd: 0.1}, B),
    ]
    await all(trackTask(talk(...messages), {registry, taskId: 'T'}))
    expect(await found(registry)).toMatchObject({
      sessionId: B,
      earlier: [A],
      status: 'ended',
      costUsd: 0.1,
      durationMs: 100,
    })
  })

  test('a later run of the task is appended to its chain', async () => {
    const registry = memoryRegistry()
    await all(trackTask(talk(init(A), result()), {registry, taskId: 'T'}))
    await all(trackTask(talk(init(B), result({}, B)), {registry, taskId: 'T'}))
    expect(await found(registry)).toMatchObject({sessionId: B, earlier: [A]})
    await all(trackTask(talk(init(A), result()), {registry, taskId: 'T'}))
    expect(await found(registry)).toMatchObject({sessionId: A, earlier: [B]})
  })

  test('a task that somebody else moved on is left alone', async () => {
    const registry = memoryRegistry()
    const errors: string[] = []
    const onError = ({code}: RepriseError) => errors.push(code)
    const tracked = trackTask(talk(init(), result(), init(), result()), {registry, taskId: 'T', onError})
    await tracked.next()
    await expect.poll(async () => found(registry)).toBeDefined()
    await registry.assign({kind: 'task', id: 'T', sessionId: B, status: 'running'}, {mode: 'append'})
    await all(tracked)
    expect(await found(registry)).toMatchObject({sessionId: B, earlier: [A], status: 'running'})
    expect(errors).toEqual(['TASK_TAKEN'])
  })

  test.each([
    ['throws', failing(init(), assistant()), 'failed'],
    ['ends without a result', talk(init(), assistant()), 'interrupted'],
    ['throws after its result', failing(init(), result()), 'ended'],
    ['throws after a result that is an error', failing(init(), result({is_error: true})), 'failed'],
  ])('a query that %s', async (_how, stream, status) => {
    const registry = memoryRegistry()
    await all(trackTask(stream, {registry, taskId: 'T'})).catch(() => undefined)
    expect(await found(registry)).toMatchObject({sessionId: A, status})
  })

  test('a query that throws because it was aborted is interrupted', async () => {
    const registry = memoryRegistry()
    await all(trackTask(failing(init()), {registry, taskId: 'T', signal: AbortSignal.abort()})).catch(() => undefined)
    expect(await found(registry)).toMatchObject({status: 'interrupted'})
  })

  test.each(['break', 'return', 'dispose'])('a query that is left with %s is interrupted', async (how) => {
    const registry = memoryRegistry()
    let closed = false
    async function* stream(): AsyncGenerator<Message, void, unknown> {
      try {
        yield* [init(), assistant(), result()]
      } finally {
        closed = true
      }
    }
    const tracked = trackTask(stream(), {registry, taskId: 'T'})
    if (how === 'break') for await (const message of tracked) if (message.type === 'assistant') break
    if (how !== 'break') await tracked.next()
    if (how === 'return') await tracked.return(undefined)
    if (how === 'dispose') await tracked[Symbol.asyncDispose]()
    expect(closed).toBe(true)
    expect(await found(registry)).toMatchObject({sessionId: A, status: 'interrupted'})
  })
})

test('a query that is closed, and not read any more, is interrupted', async () => {
  const registry = memoryRegistry()
  const query = Object.assign(talk(init(), assistant(), result()), {close: () => undefined})
  const tracked = trackTask(query, {registry, taskId: 'T'})
  await tracked.next()
  tracked.close()
  await expect.poll(async () => found(registry)).toMatchObject({sessionId: A, status: 'interrupted'})
})

describe('the stream', () => {
  test('comes through unchanged, with what the query can do besides', async () => {
    const messages = [init(), assistant(), {type: 'odd', session_id: 7}, result({total_cost_usd: 'x', duration_ms: -1})]
    class Query {
      readonly #inner = talk(...messages)
      asked = 0
      next = this.#inner.next.bind(this.#inner)
      return = this.#inner.return.bind(this.#inner)
      throw = this.#inner.throw.bind(this.#inner);
      [Symbol.asyncIterator]() {
        return this.#inner
      }
      async [Symbol.asyncDispose]() {
        await this.#inner.return()
      }
      async interrupt() {
        this.asked += 1
        return this.#inner === this[Symbol.asyncIterator]()
      }
    }
    const query = new Query()
    const tracked = trackTask(query, {registry: spyRegistry().registry, taskId: 'T'})
    expect(await tracked.interrupt()).toBe(true)
    expect([tracked.asked, query.asked, tracked instanceof Query]).toEqual([1, 1, true])
    const seen = await all(tracked)
    expect(seen).toEqual(messages)
    for (const [index, message] of messages.entries()) expect(seen[index]).toBe(message)
  })

  test('what is thrown, and what is thrown into it, comes through', async () => {
    const {registry} = spyRegistry()
    await expect(all(trackTask(failing(init()), {registry, taskId: 'T'}))).rejects.toThrow('claude is gone')
    async function* echo(): AsyncGenerator<Message, string, string> {
      try {
        const asked = yield init()
        yield {type: asked}
      } catch (error) {
        yield {type: String(error)}
      }
      return 'over'
    }
    const tracked = trackTask(echo(), {registry, taskId: 'T'})
    await tracked.next('ignored')
    expect(await tracked.next('sent')).toEqual({done: false, value: {type: 'sent'}})
    expect(await tracked.throw('thrown')).toEqual({done: false, value: {type: 'thrown'}})
    expect(await tracked.next('x')).toEqual({done: true, value: 'over'})
  })

  test('a message that is no object does not break it', async () => {
    const odd = [null, 'text', undefined] as unknown as Message[]
    expect(await all(trackTask(talk(...odd), {registry: spyRegistry().registry, taskId: 'T'}))).toEqual(odd)
  })
})

describe('a registry that fails', () => {
  test('is tried again, and does not hold up the stream', async () => {
    const {registry, links} = spyRegistry(async (_link, call) => {
      if (call <= 2) throw unreachable()
    })
    const sleeps: number[] = []
    const clock = {
      now: () => 0,
      sleep: async (ms: number, signal?: AbortSignal) => {
        sleeps.push(ms)
        await delay(ms === 5000 ? ms : 1, undefined, {...(signal && {signal})})
      },
    }
    const errors: string[] = []
    const onError = ({code}: RepriseError) => errors.push(code)
    const tracked = trackWithClock(talk(init(), result()), {registry, taskId: 'T', onError, settleMs: 5000}, clock)
    await tracked.next()
    await expect.poll(() => links.map(({status}) => status)).toEqual(['running', 'running', 'running'])
    await all(tracked)
    expect(links.at(-1)).toMatchObject({status: 'ended', after: A})
    expect(errors).toEqual(['STORE_UNREACHABLE', 'STORE_UNREACHABLE'])
    expect(sleeps.slice(0, 2)).toEqual([1000, 2000])
  })

  test('is given one more chance at the end, and named when it fails again', async () => {
    const {registry, links} = spyRegistry(async () => Promise.reject(unreachable()))
    const errors: string[] = []
    const onError = ({code}: RepriseError) => errors.push(code)
    // No pause of it ever ends by itself.
    const {clock} = heldClock()
    expect(await all(trackWithClock(talk(init(), result()), {registry, taskId: 'T', onError}, clock))).toHaveLength(2)
    expect(links.at(-1)).toMatchObject({sessionId: A, status: 'ended'})
    expect(errors.at(-1)).toBe('TASK_NOT_RECORDED')
    expect(errors.slice(0, -1)).toContain('STORE_UNREACHABLE')
  })

  test('that never answers costs the end its limit and no message anything', async () => {
    const {registry} = spyRegistry(async () => new Promise(() => {}))
    const errors: string[] = []
    const onError = ({code}: RepriseError) => errors.push(code)
    const messages = [init(), ...Array.from({length: 1000}, () => assistant()), result()]
    const {clock, sleeps} = heldClock()
    const tracked = trackWithClock(talk(...messages), {registry, taskId: 'T', onError, settleMs: 1000}, clock)
    for (const message of messages) expect((await tracked.next()).value).toBe(message)
    expect(sleeps).toEqual([])
    const ending = tracked.next()
    await expect.poll(() => sleeps.map(({ms}) => ms)).toEqual([1000])
    expect(errors).toEqual([])
    sleeps[0]?.end()
    expect((await ending).done).toBe(true)
    expect(errors).toEqual(['TASK_NOT_RECORDED'])
    await tracked.next()
    await tracked[Symbol.asyncDispose]()
    expect(sleeps).toHaveLength(1)
  })

  test('an id that it refuses is reported once for each record, and not tried again', async () => {
    const registry = memoryRegistry()
    const errors: string[] = []
    const onError = ({code}: RepriseError) => errors.push(code)
    await all(trackTask(talk(init(), result()), {registry, taskId: '', onError}))
    await all(trackTask(talk(init('no-uuid')), {registry, taskId: 'T', onError}))
    expect(new Set(errors)).toEqual(new Set(['TASK_ID_INVALID', 'SESSION_ID_INVALID']))
    expect(errors.length).toBeLessThanOrEqual(4)
  })

  test('a handler that fails breaks nothing', async () => {
    const {registry} = spyRegistry(async () => Promise.reject(unreachable()))
    const handlers = [
      () => {
        throw new Error('handler')
      },
      async () => Promise.reject(new Error('async handler')),
    ]
    for (const onError of handlers) {
      expect(await all(trackTask(talk(init(), result()), {registry, taskId: 'T', onError}))).toHaveLength(2)
    }
  })

  test('without a handler, the process is warned once', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => warnings.push(warning)
    process.on('warning', listen)
    onTestFinished(() => {
      process.off('warning', listen)
    })
    const {registry} = spyRegistry(async () => Promise.reject(unreachable()))
    await all(trackTask(talk(init(), result()), {registry, taskId: 'T'}))
    await delay(20)
    expect(warnings.map(({name, message}) => [name, message])).toEqual([
      ['RepriseWarning', 'task "T" is not on record yet: down'],
    ])
  })

  test('each attempt is told on the diagnostics channel', async () => {
    const events: TaskEvent[] = []
    const listen = (event: unknown) => events.push(event as TaskEvent)
    subscribe('reprise:task', listen)
    onTestFinished(() => {
      unsubscribe('reprise:task', listen)
    })
    const {registry} = spyRegistry(async (_link, call) => {
      if (call === 1) throw unreachable()
    })
    const tracked = trackTask(talk(init(), result()), {registry, taskId: 'T', onError: () => {}})
    await tracked.next()
    await delay(20)
    await all(tracked)
    expect(events.map(({taskId, sessionId, status, error}) => [taskId, sessionId, status, error?.code])).toEqual([
      ['T', A, 'running', 'STORE_UNREACHABLE'],
      ['T', A, 'ended', undefined],
    ])
  })
})
