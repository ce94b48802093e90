import {describe, expect, test} from 'vitest'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {storeError} from '../../src/object-store/errors.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {DeleteResult, ObjectStore, RequestOptions} from '../../src/object-store/object-store.js'
import {compactMany, type CompactManyOptions, type CompactReport} from '../../src/sync/compact-many.js'
import type {SyncContext} from '../../src/sync/context.js'
import {pushSession} from '../../src/sync/push-session.js'
import {countParts, delivered, HOME, pushLines, referenceLines} from '../support/compactable.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const OTHER = '99999999-2222-4333-8444-555555555555'

/** Time that passes only when somebody waits. */
class StillClock {
  time = Date.now()
  waited = 0

  now(): number {
    return this.time
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await Promise.resolve()
    signal?.throwIfAborted()
    this.time += ms
    this.waited += ms
  }
}

async function compact(context: SyncContext, options: Partial<CompactManyOptions> = {}): Promise<CompactReport> {
  const sessions = [{sessionId: SESSION}]
  return compactMany(context, sessions, {concurrency: 4, progress: silentProgress, ...options})
}

/** A session of eight parts, and who finds that another has just written them. */
async function writtenByAnother(clock: StillClock, wrap = (store: ObjectStore) => store) {
  const store = wrap(new MemoryObjectStore({clock}))
  await using writer = await SyncWorker.start(store, 'writer')
  const text = await pushLines(writer, 8)
  const worker = await SyncWorker.start(store)
  return {store, text, worker, context: {...worker.context, clock}}
}

describe('the grace of deletes', () => {
  test('is waited for, and no longer', async () => {
    const clock = new StillClock()
    const {store, text, worker, context} = await writtenByAnother(clock)
    await using _ = worker
    const {totals} = await compact(context)
    expect(totals).toMatchObject({partsBefore: 8, partsAfter: 1, deleted: 8, waiting: 0})
    expect(clock.waited).toBe(60_000)
    expect([await countParts(store), await referenceLines(store)]).toEqual([1, text])
  })

  test('is what is asked for: none', async () => {
    const clock = new StillClock()
    const {store, worker, context} = await writtenByAnother(clock)
    await using _ = worker
    expect((await compact(context, {grace: 0})).totals).toMatchObject({partsAfter: 1, deleted: 8})
    expect([clock.waited, await countParts(store)]).toEqual([0, 1])
  })

  test('who is interrupted leaves the deletes to the next run, which waits for the rest of it alone', async () => {
    const clock = new StillClock()
    const {store, text, worker, context} = await writtenByAnother(clock)
    await using _ = worker
    const abort = new AbortController()
    const progress = {
      task: () => ({update: (told: string) => told.startsWith('waiting') && abort.abort(), succeed() {}, fail() {}}),
    }
    await expect(compact(context, {signal: abort.signal, progress})).rejects.toThrow('aborted')
    expect([clock.waited, await countParts(store)]).toEqual([0, 9])
    expect(await delivered(store)).toBe(text)
    clock.time += 45_000
    expect((await compact(context)).totals).toMatchObject({partsBefore: 9, partsAfter: 1, deleted: 8})
    expect(clock.waited).toBe(15_000)
    expect(await referenceLines(store)).toBe(text)
  })

  test('a delete that fails after it is told, and stays for the next run', async () => {
    const clock = new StillClock()
    let fails = true
    class Failing extends ObjectStoreDecorator {
      override async delete(keys: readonly string[], options?: RequestOptions): Promise<DeleteResult> {
        if (fails && keys.length > 1) throw storeError('STORE_UNREACHABLE', 'no')
        return super.delete(keys, options)
      }
    }
    const {store, text, worker, context} = await writtenByAnother(clock, (inner) => new Failing(inner))
    await using _ = worker
    const {sessions} = await compact(context)
    expect(sessions).toMatchObject([
      {action: 'compacted', partsAfter: 9, deleted: 0, waiting: 8, error: {code: 'STORE_UNREACHABLE'}},
    ])
    fails = false
    expect((await compact(context)).totals).toMatchObject({partsAfter: 1, waiting: 0})
    expect(await referenceLines(store)).toBe(text)
  })
})

describe('several sessions', () => {
  test('one that fails is told, and the others go on', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 5)
    await worker.write(HOME, message('other'), OTHER)
    await pushSession(worker.context, await worker.session(OTHER))
    const metadata = {reprise: '9', from: '0'}
    for (const ms of ['1700000000000', '1700000000001']) {
      const key = `${HOME}/${OTHER}/part-${ms}-abcdef.jsonl`
      await store.put(key, Buffer.from(message(ms)), {mode: {type: 'create'}, metadata})
    }
    const gone = '00000000-2222-4333-8444-555555555555'
    const report = await compactMany(
      worker.context,
      [OTHER, gone, SESSION].map((sessionId) => ({sessionId})),
      {concurrency: 1, progress: silentProgress},
    )
    expect(report.sessions).toMatchObject([
      {sessionId: OTHER, projectKey: HOME, action: 'failed', error: {code: 'FORMAT_TOO_NEW'}},
      {sessionId: gone, action: 'failed', error: {code: 'SESSION_NOT_FOUND'}},
      {sessionId: SESSION, action: 'compacted', partsAfter: 1},
    ])
    expect(report.totals.actions).toEqual({failed: 2, compacted: 1})
  })

  test('compacted by several at once and pushed to meanwhile, they keep every line, and nobody fails', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    await using second = await SyncWorker.start(store)
    let text = await pushLines(worker, 40)
    const runs = [worker, second, worker, second].map(async ({context}) => compact(context, {grace: 0}))
    for (let line = 0; line < 10; line++) {
      text += message(`more-${line}`)
      await worker.write(HOME, text)
      await pushSession(worker.context, await worker.session())
    }
    for (const {sessions} of await Promise.all(runs)) expect(sessions.map(({error}) => error)).toEqual([undefined])
    await compact(worker.context, {grace: 0})
    expect([await delivered(store), await referenceLines(store)]).toEqual([text, text])
    expect(await countParts(store)).toBeLessThanOrEqual(4)
  })
})
