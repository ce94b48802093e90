import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {DryRunObjectStore} from '../../src/object-store/dry-run.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import type {DeleteResult, ObjectStore} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {pushSession} from '../../src/sync/push-session.js'
import {compactSession, type CompactSessionOptions} from '../../src/sync/compact-session.js'
import type {CompactedSession} from '../../src/sync/compact-tally.js'
import {leaseContext} from '../../src/sync/context.js'
import {openAt} from '../object-store/s3/support.js'
import {
  countParts,
  delivered,
  HOME,
  listSession,
  openStoreOf,
  pushLines,
  referenceLines,
  STORE_KINDS,
  SUBPATH,
} from '../support/compactable.js'
import {appendReference} from '../support/reference-adapter.js'
import {startStrictS3} from '../support/strict-s3/index.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const KEY = {projectKey: HOME, sessionId: SESSION}
const HOUR = 3_600_000

async function compact(worker: SyncWorker, options: CompactSessionOptions = {}): Promise<CompactedSession> {
  return (await compactSession(worker.context, await listSession(worker.context.store), options)).session
}

class WithoutDelete extends ObjectStoreDecorator {
  override async delete(keys: readonly string[]): Promise<DeleteResult> {
    return {failed: keys.map((key) => ({key, code: 'ACCESS_DENIED', message: 'no'})), date: Date.now()}
  }
}

/** A store whose clock the test moves. */
function storeAt(clock: {now: number}): MemoryObjectStore {
  return new MemoryObjectStore({clock: {now: () => clock.now}})
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  return (await listAll(store, {prefix: ''})).objects.map(({key}) => key)
}

/** Two loose parts of another writer, in the order of their lines. */
async function writeLoose(store: ObjectStore, now: number, subpath?: string): Promise<string> {
  const lines = [message('loose-1'), message('loose-2')]
  const key = {...KEY, ...(subpath !== undefined && {subpath})}
  for (const [index, line] of lines.entries()) await appendReference(store, key, [line.trimEnd()], now + index)
  return lines.join('')
}

describe.each(STORE_KINDS)('on a store of kind %s', (kind) => {
  test('main and subagents have few parts then, and every reader gets the same lines', async () => {
    await using opened = await openStoreOf(kind)
    const {store} = opened
    await using worker = await SyncWorker.start(store)
    const main = await pushLines(worker, 12)
    const sub = await pushLines(worker, 5, SUBPATH)
    const session = await compact(worker)
    expect(session).toMatchObject({
      sessionId: SESSION,
      projectKey: HOME,
      action: 'compacted',
      partsBefore: 17,
      partsAfter: 2,
      bytesJoined: 0,
      deleted: 17,
      waiting: 0,
    })
    expect(session.bytesRead).toBe(main.length + sub.length)
    expect(session.bytesWritten).toBe(main.length + sub.length)
    for (const [text, subpath] of [[main], [sub, SUBPATH]] as const) {
      expect(await countParts(store, subpath)).toBe(1)
      expect(await delivered(store, subpath)).toBe(text)
      expect(await referenceLines(store, subpath)).toBe(text)
    }
    expect(await compact(worker)).toMatchObject({action: 'unchanged', partsBefore: 2, partsAfter: 2, deleted: 0})
    // And it goes on from there.
    const more = await pushLines(worker, 14)
    expect(more.startsWith(main)).toBe(true)
    expect(await delivered(store)).toBe(more)
  })

  test('what another left beside the chain is adopted', async () => {
    await using opened = await openStoreOf(kind)
    const {store} = opened
    await using worker = await SyncWorker.start(store)
    const main = await pushLines(worker, 6)
    const loose = await writeLoose(store, Date.now() + 1000)
    expect(await compact(worker, {grace: 0})).toMatchObject({action: 'adopted', partsBefore: 8, waiting: 0})
    expect(await countParts(store)).toBeLessThanOrEqual(2)
    expect(await delivered(store)).toBe(main + loose)
    expect(await referenceLines(store)).toBe(main + loose)
    const lease = await SessionLease.acquire(leaseContext(worker.context), SESSION)
    await lease.release()
  })
})

test('large parts are joined in the store, as the dry run said', async () => {
  const server = await startStrictS3({logHeaders: false})
  const store = new MeteredObjectStore(await openAt(server), {clock: systemClock})
  await using worker = await SyncWorker.start(store)
  const MIB = 1024 * 1024
  let text = ''
  for (const [index, size] of [6, 6, 1, 1, 6, 6].entries()) {
    text += message(index, 'x'.repeat(size * MIB))
    await worker.write(HOME, text)
    await pushSession(worker.context, await worker.session())
  }
  const listing = await listSession(store)
  const planned = await compactSession(worker.context, listing, {dryRun: true})
  server.requests.reset()
  const done = await compactSession(worker.context, listing)
  const {bytesRead, bytesWritten, bytesJoined} = done.session
  expect(bytesJoined).toBeGreaterThan(18 * MIB)
  expect(bytesWritten).toBeLessThan(9 * MIB)
  expect(bytesJoined + bytesWritten).toBe(text.length)
  expect(planned.session).toMatchObject({bytesRead, bytesWritten, bytesJoined, partsAfter: 1, deleted: 6})
  const sent = server.requests.stats().operations
  const uploads = (sent.CreateMultipartUpload ?? 0) + (sent.UploadPart ?? 0) + (sent.UploadPartCopy ?? 0)
  expect(planned.requests).toMatchObject({put: uploads + (sent.CompleteMultipartUpload ?? 0), delete: 1})
  // And the lease record.
  expect(planned.requests.get).toBe((sent.GetObject ?? 0) - 1)
  expect(await delivered(store)).toBe(text)
  await store.close()
  await server.close()
})

describe('loose parts', () => {
  test('of the last ten minutes are left to their writer, with their transcript alone', async () => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 4)
    await pushLines(worker, 4, SUBPATH)
    clock.now += HOUR
    await writeLoose(store, clock.now)
    clock.now += 9 * 60_000
    expect(await compact(worker)).toMatchObject({action: 'compacted', left: ['young'], partsAfter: 7})
    expect([await countParts(store), await countParts(store, SUBPATH)]).toEqual([6, 1])
    expect(await compact(worker)).toMatchObject({action: 'left', left: ['young'], deleted: 0})

    expect(await compact(worker, {grace: 8 * 60_000, dryRun: true})).toMatchObject({action: 'adopted'})
    clock.now += 2 * 60_000
    // The chain up to there, what was adopted, and the subagent's.
    expect(await compact(worker)).toMatchObject({action: 'adopted', partsBefore: 7, partsAfter: 3})
    expect(await referenceLines(store)).toBe(await delivered(store))
  })

  test('a session of nothing but loose parts becomes one of ours', async () => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using worker = await SyncWorker.start(store)
    const lines = await writeLoose(store, clock.now)
    clock.now += HOUR
    expect(await compact(worker)).toMatchObject({action: 'adopted', partsBefore: 2, partsAfter: 1, deleted: 2})
    expect(await referenceLines(store)).toBe(lines)
  })
})

describe('a session that another holds', () => {
  test('is merged, keeps its parts for a minute, and what lies beside it is the holder’s to adopt', async () => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using worker = await SyncWorker.start(store)
    await using other = await SyncWorker.start(store, 'other')
    const main = await pushLines(worker, 8)
    const loose = await writeLoose(store, clock.now + 1000)
    clock.now += HOUR
    const lease = await SessionLease.acquire(leaseContext(other.context), SESSION)
    expect(await compact(worker)).toMatchObject({action: 'compacted', left: ['leased'], deleted: 0, waiting: 8})
    expect(await delivered(store)).toBe(main + loose)
    expect(await compact(worker)).toMatchObject({deleted: 0, waiting: 8})
    clock.now += 61_000
    await lease.renew()
    expect(await compact(worker)).toMatchObject({deleted: 8, waiting: 0})
    expect(await referenceLines(store)).toBe(main + loose)
  })

  test('by this process, or by one that is known to be dead, it is not held', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    await using other = await SyncWorker.start(store, 'other')
    await pushLines(worker, 4)
    await SessionLease.acquire(leaseContext(worker.context), SESSION)
    expect(await compact(worker)).toMatchObject({deleted: 4})
    await pushLines(worker, 0)
    const dead = {...other.context, isDead: () => true}
    await writeLoose(store, Date.now() + 1000)
    expect((await compactSession(dead, await listSession(store), {grace: 0})).session.action).toBe('adopted')
  })
})

describe('nothing is merged', () => {
  test('by whoever may not delete', async () => {
    const inner = new MemoryObjectStore({clock: systemClock})
    const store = new WithoutDelete(inner)
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 4)
    expect(await compact(worker)).toMatchObject({action: 'left', left: ['no-delete'], partsAfter: 4})
    await writeLoose(store, Date.now() + 1000)
    expect(await compact(worker, {grace: 0})).toMatchObject({action: 'left', left: ['no-delete'], partsAfter: 6})
    expect(await countParts(inner)).toBe(6)
  })

  test('where Object Lock keeps what is deleted', async () => {
    const server = await startStrictS3({retentionMs: HOUR})
    const store = await openAt(server)
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 4)
    expect(await compact(worker)).toMatchObject({action: 'left', left: ['locked'], partsAfter: 4, bytesWritten: 0})
    await writeLoose(store, Date.now() + 1000)
    expect(await compact(worker, {grace: 0})).toMatchObject({action: 'left', left: ['locked'], partsAfter: 6})
    server.clock.offsetMs = 2 * HOUR
    server.settings.retentionMs = 0
    expect(await compact(worker)).toMatchObject({action: 'adopted'})
    await store.close()
    await server.close()
  })

  test('of transcripts with fewer parts than asked for, and these cost no request', async () => {
    const store = new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 4)
    const listing = await listSession(store)
    const before = store.totals().requests
    const {session} = await compactSession(worker.context, listing, {minParts: 5})
    expect(session).toMatchObject({action: 'unchanged', partsBefore: 4, partsAfter: 4})
    expect(store.totals().requests).toEqual(before)
  })
})

describe('a dry run', () => {
  test.each([false, true])('tells what comes about, and writes nothing (loose parts: %s)', async (isLoose) => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 10)
    if (isLoose) await writeLoose(store, Date.now() + 1000)
    const before = await keysOf(store)
    const dry = new DryRunObjectStore(store, {clock: systemClock})
    const planned = await compactSession({...worker.context, store: dry}, await listSession(store), {
      grace: 0,
      dryRun: true,
    })
    expect(await keysOf(store)).toEqual(before)
    const done = await compactSession(worker.context, await listSession(store), {grace: 0})
    const {action, partsAfter, deleted} = done.session
    expect(planned.session).toMatchObject({action, partsAfter, deleted})
    expect(planned.session.bytesWritten).toBeGreaterThan(0)
    expect(planned.session.bytesWritten).toBeLessThanOrEqual(done.session.bytesWritten)
  })
})
