import {appendFile} from 'node:fs/promises'
import {expect, test} from 'vitest'
import type {Clock} from '../../src/base/clock.js'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {JoinOptions, JoinSource, PutResult} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {leaseContext, type SyncContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pushMany} from '../../src/sync/push-many.js'
import {UnleasedMirror} from '../../src/sync/unleased-mirror.js'
import {countParts, delivered, HOME, pushLines, REF, referenceLines, SUBPATH} from '../support/compactable.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

/** A store that begins joins and never ends them, unless it is told to. */
class HangingJoins extends ObjectStoreDecorator {
  begun = 0
  ended = 0

  override async join(_: readonly JoinSource[], __: string, {signal}: JoinOptions): Promise<PutResult> {
    this.begun++
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        this.ended++
        reject(new Error('aborted'))
      })
    })
  }
}

function newStore(): MemoryObjectStore {
  return new MemoryObjectStore({clock: systemClock})
}

async function push(worker: SyncWorker, changed: Partial<SyncContext>) {
  const context = {...worker.context, ...changed}
  const {store, clock, random} = context
  const registry = new StoreRegistry({store, clock, random})
  return pushMany(context, [await worker.session()], {registry, progress: silentProgress, concurrency: 4})
}

/** @returns the transcript, of which the last line is not stored yet. */
async function writeLines(worker: SyncWorker, count: number): Promise<string> {
  const text = (await pushLines(worker, count)) + message('last')
  await worker.write(HOME, text)
  return text
}

test('a push past so many parts leaves few, with the same bytes for every reader', async () => {
  const store = newStore()
  await using worker = await SyncWorker.start(store)
  const sub = await pushLines(worker, 9, SUBPATH)
  const text = await writeLines(worker, 9)
  expect((await push(worker, {compactAt: 9})).totals).toMatchObject({actions: {pushed: 1}, partsCreated: 1})
  expect(await countParts(store)).toBe(1)
  expect(await delivered(store)).toBe(text)
  expect(await referenceLines(store)).toBe(text)
  // Nothing was appended to that one.
  expect(await countParts(store, SUBPATH)).toBe(9)
  expect(await delivered(store, SUBPATH)).toBe(sub)
  expect((await push(worker, {compactAt: 9})).totals).toMatchObject({actions: {unchanged: 1}})
})

test.each([undefined, 0, 10])('a push to a transcript of ten parts compacts nothing at %s', async (compactAt) => {
  const store = newStore()
  await using worker = await SyncWorker.start(store)
  await writeLines(worker, 9)
  await push(worker, compactAt === undefined ? {} : {compactAt})
  expect(await countParts(store)).toBe(10)
})

test('a mirror compacts while it goes on, and holds its lease all the while', async () => {
  const store = newStore()
  await using worker = await SyncWorker.start(store)
  const context = {...worker.context, compactAt: 16}
  const lease = await SessionLease.acquire(leaseContext(context), SESSION)
  await using mirror = new SessionMirror(context, lease, REF, {projectKey: HOME})
  await worker.write(HOME, '')
  await mirror.settle()
  let text = ''
  let most = 0
  for (let line = 0; line < 150; line++) {
    text += message(line)
    await appendFile(worker.pathOf(HOME), message(line))
    await mirror.begin()
    most = Math.max(most, await countParts(store))
  }
  expect(await mirror.finish()).toMatchObject({complete: true, parts: 150})
  expect(most).toBeLessThan(80)
  expect(await countParts(store)).toBeLessThan(60)
  expect(await delivered(store)).toBe(text)
  expect(await referenceLines(store)).toBe(text)
  await lease.release()
})

test('without a lease it is the same', async () => {
  const store = newStore()
  await using worker = await SyncWorker.start(store)
  const text = await writeLines(worker, 12)
  const mirror = new UnleasedMirror({...worker.context, compactAt: 8}, SESSION, {projectKey: HOME})
  expect(await mirror.finish()).toMatchObject({complete: true, parts: 1})
  expect(await countParts(store)).toBe(1)
  expect(await delivered(store)).toBe(text)
})

/** The two seconds for which a compaction is waited for at the end take so long. */
function clockOf(patienceMs: number): Clock {
  return {
    now: () => systemClock.now(),
    sleep: async (ms, signal) => systemClock.sleep(ms === 2_000 ? patienceMs : ms, signal),
  }
}

test('a compaction that does not end in two seconds is abandoned, and what was appended is stored', async () => {
  const store = new HangingJoins(newStore())
  await using worker = await SyncWorker.start(store)
  const text = await writeLines(worker, 12)
  expect((await push(worker, {compactAt: 8, clock: clockOf(50)})).totals).toMatchObject({actions: {pushed: 1}})
  expect([store.begun, store.ended]).toEqual([1, 1])
  expect(await countParts(store)).toBe(13)
  expect(await delivered(store)).toBe(text)
})

test('at the end of a mirror it is abandoned at once when there is no time left', async () => {
  const store = new HangingJoins(newStore())
  await using worker = await SyncWorker.start(store)
  const text = await writeLines(worker, 12)
  const context = {...worker.context, compactAt: 8, clock: clockOf(3_600_000)}
  const lease = await SessionLease.acquire(leaseContext(context), SESSION)
  await using mirror = new SessionMirror(context, lease, REF, {projectKey: HOME})
  await mirror.settle()
  const told = new AbortController()
  const finishing = mirror.finish(told.signal)
  await expect.poll(() => store.begun).toBe(1)
  told.abort()
  expect(await finishing).toMatchObject({complete: true})
  expect([store.begun, store.ended]).toEqual([1, 1])
  expect(await delivered(store)).toBe(text)
})
