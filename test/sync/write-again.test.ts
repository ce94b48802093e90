import {appendFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {lastMs, nextMs} from '../../src/store/write-part.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {statusOf} from '../../src/sync/status.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const DAY_MS = 24 * 3_600_000
const REF = {homeKey: '-a', sessionId: SESSION}
const CREATED = {mode: {type: 'create'}} as const

async function stored({context}: SyncWorker): Promise<string> {
  await using reader = await SyncWorker.start(context.store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

/** Two parts in an order of their own; one adopter merges them when a read of a part for the `at`th time begins. */
function adoptedAtRead(memory: MemoryObjectStore, at: number): {store: ObjectStore; put: () => Promise<void>} {
  const ms = Date.now() - 100_000
  const key = (each: number, digits: string): string => `-a/${SESSION}/part-${ms + each}-${digits}.jsonl`
  const [first, second] = [key(1, 'abcdef'), key(2, 'abcdee')]
  let reads = 0
  const adopt = async (): Promise<void> => {
    await memory.put(key(3, 'abcded'), Buffer.from(message(1) + message(2)), CREATED)
    await memory.delete([first, second])
  }
  const store = new Proxy<ObjectStore>(memory, {
    get(target, name) {
      if (name === 'get') {
        return async (...args: Parameters<ObjectStore['get']>) => {
          if (args[0].includes('/part-') && ++reads === at) await adopt()
          return target.get(...args)
        }
      }
      const found: unknown = Reflect.get(target, name)
      return typeof found === 'function' ? (found as () => void).bind(target) : found
    },
  })
  const put = async (): Promise<void> => {
    await memory.put(first, Buffer.from(message(1)), CREATED)
    await memory.put(second, Buffer.from(message(2)), CREATED)
  }
  return {store, put}
}

describe('a part that goes away while a push compares', () => {
  test.each([1, 2, 3, 4])('is looked for in a new listing, at whichever read it goes (%i)', async (at) => {
    const {store, put} = adoptedAtRead(new MemoryObjectStore({clock: systemClock}), at)
    await put()
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(2) + message(1) + message(3))
    expect((await pushSession(a.context, await a.session())).action).toMatch(/^(?:pushed|replaced)$/)
    const lines = (await stored(a)).trimEnd().split('\n')
    expect(lines.toSorted().join('\n')).toBe([message(1), message(2), message(3)].join('').trimEnd())
  })
})

describe('a part that goes away while status compares', () => {
  test.each([1, 2, 3, 4])('is looked for in a new listing, at whichever read it goes (%i)', async (at) => {
    const {store, put} = adoptedAtRead(new MemoryObjectStore({clock: systemClock}), at)
    await put()
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(2) + message(1) + message(3))
    const {sessions} = await statusOf(a.context, [await a.session()], {processes: a.processes, concurrency: 1})
    expect(sessions).toMatchObject([{state: 'unstored'}])
    await a.write('-a', message(2) + message(1))
    const again = await statusOf(a.context, [await a.session()], {processes: a.processes, concurrency: 1})
    expect(again.sessions).toMatchObject([{state: 'stored'}])
  })
})

describe('a machine whose clock is years ahead', () => {
  test('does not keep others out of the session: its parts are named a day ahead of the store’s clock at most', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await using b = await SyncWorker.start(a.context.store, 'b')
    const ahead = {...systemClock, now: () => Date.now() + 2 * 365 * DAY_MS}
    const skewed = {...a.context, clock: ahead}
    await a.write('-a', message(1))
    await a.write('-a', message('s'), SESSION, 'subagents/agent-x')
    await pushSession(skewed, await a.session())
    await appendFile(a.pathOf('-a'), message(2))
    expect((await pushSession(skewed, await a.session())).action).toBe('pushed')

    const {transcripts} = await a.context.parts.listSession(REF)
    for (const listing of transcripts) expect(lastMs(listing)).toBeLessThanOrEqual(Date.now() + DAY_MS + 1_000)
    await pullSession(b.context, SESSION, {projectKey: '-b', processes: b.processes})
    await appendFile(b.pathOf('-b'), message(3))
    expect((await pushSession(b.context, await b.session())).action).toBe('pushed')
    expect(await stored(b)).toBe(message(1) + message(2) + message(3))
  })

  test.each([
    ['a clock that is right', 1_000_500, 7, 1_000_000, 1_000_500],
    ['a clock that is behind the last part', 1_000_500, 2_000_000, 1_000_000, 2_000_001],
    ['a clock a week ahead', 1_000_000 + 7 * DAY_MS, 7, 1_000_000, 1_000_000 + DAY_MS],
    [
      'the same, after a part that is further still',
      1_000_000 + 7 * DAY_MS,
      1_000_000 + 3 * DAY_MS,
      1_000_000,
      1_000_001 + 3 * DAY_MS,
    ],
    ['a store whose clock is not known', 1_000_000 + 7 * DAY_MS, 7, 0, 1_000_000 + 7 * DAY_MS],
  ])('%s', (_, now, last, storeDate, expected) => {
    expect(nextMs({...systemClock, now: () => now}, last, storeDate)).toBe(expected)
  })
})
