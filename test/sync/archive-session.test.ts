import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {DryRunObjectStore} from '../../src/object-store/dry-run.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {
  type ObjectBody,
  type ObjectStore,
  OVERWRITE,
  type PutOptions,
  type PutResult,
} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {Parts} from '../../src/store/parts.js'
import {readSummary} from '../../src/store/summary-record.js'
import {viewTranscript} from '../../src/store/view.js'
import {archiveSession, type ArchiveSessionOptions} from '../../src/sync/archive-session.js'
import {compactMany} from '../../src/sync/compact-many.js'
import {compactSession} from '../../src/sync/compact-session.js'
import type {CompactedSession} from '../../src/sync/compact-tally.js'
import {leaseContext} from '../../src/sync/context.js'
import {pushSession} from '../../src/sync/push-session.js'
import {silentProgress} from '../../src/base/progress.js'
import {
  delivered,
  HOME,
  listSession,
  openStoreOf,
  pushLines,
  REF,
  referenceLines,
  STORE_KINDS,
  SUBPATH,
} from '../support/compactable.js'
import {CrashingStore} from '../support/crashing-store.js'
import {appendReference} from '../support/reference-adapter.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const KEY = {projectKey: HOME, sessionId: SESSION}

async function archive(
  worker: SyncWorker,
  options: Partial<ArchiveSessionOptions> = {},
  store: ObjectStore = worker.context.store,
): Promise<CompactedSession> {
  const context = {...worker.context, store, parts: new Parts(store)}
  const given = {codec: 'gzip', inUse: 'refuse', ...options} as const
  return (await archiveSession(context, await listSession(store), given)).session
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await listAll(store, {prefix})).objects.map(({key}) => key)
}

/** Of the objects that stand under the session's prefix: an empty one for each transcript is left. */
async function sizesUnder(store: ObjectStore): Promise<number[]> {
  return (await listAll(store, {prefix: `${HOME}/`})).objects.map(({size}) => size)
}

const archiveOf = async (store: ObjectStore): Promise<string[]> => keysOf(store, '.reprise/archive/')

/** A store whose clock the test moves. */
function storeAt(clock: {now: number}): MemoryObjectStore {
  return new MemoryObjectStore({clock: {now: () => clock.now}})
}

describe.each(STORE_KINDS)('on a store of kind %s', (kind) => {
  test('a session is packed away whole, and read and written as before', async () => {
    await using opened = await openStoreOf(kind)
    const {store} = opened
    await using worker = await SyncWorker.start(store)
    const sub = await pushLines(worker, 3, SUBPATH)
    const main = await pushLines(worker, 40)
    const parts = (await listSession(store)).transcripts.reduce((sum, each) => sum + each.parts.length, 0)

    const planned = await archive(worker, {dryRun: true}, new DryRunObjectStore(store, {clock: systemClock}))
    expect(await archiveOf(store)).toEqual([])
    const done = await archive(worker)
    expect(done).toMatchObject({action: 'archived', partsBefore: parts, partsAfter: 2, deleted: parts, waiting: 0})
    expect(done.bytesWritten).toBeLessThan(main.length)
    expect(planned).toMatchObject({action: 'archived', partsBefore: parts, partsAfter: 2, deleted: parts, waiting: 0})
    expect(planned.bytesRead).toBe(main.length + sub.length)
    expect(Math.abs(planned.bytesWritten / done.bytesWritten - 1)).toBeLessThan(0.9)
    expect(await sizesUnder(store)).toEqual([0, 0])
    expect(await archiveOf(store)).toHaveLength(2)
    expect([await delivered(store), await delivered(store, SUBPATH)]).toEqual([main, sub])
    expect((await readSummary(store, SESSION))?.parts).toBe(1)

    // Again: nothing to do, and no request to find that out.
    const meter = new MeteredObjectStore(store, {clock: systemClock})
    const listing = await listSession(store)
    const context = {...worker.context, store: meter, parts: new Parts(meter)}
    const again = await archiveSession(context, listing, {codec: 'gzip', inUse: 'refuse'})
    expect(again.session).toMatchObject({action: 'unchanged', partsBefore: 2, partsAfter: 2})
    expect(Object.values(meter.totals().requests).reduce((sum, each) => sum + each, 0)).toBe(0)
    expect((await compactSession(context, listing)).session).toMatchObject({action: 'unchanged', bytesWritten: 0})

    // Who goes on in it puts it back first, for readers of every kind.
    await worker.write(HOME, main + message('more'))
    expect(await pushSession(worker.context, await worker.session())).toMatchObject({action: 'pushed', partsCreated: 1})
    expect(await delivered(store)).toBe(main + message('more'))
    expect(await referenceLines(store)).toBe(main + message('more'))
    expect(await archiveOf(store)).toHaveLength(1)
  })
})

test('it keeps its place in listings that go by names', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using worker = await SyncWorker.start(store)
  await pushLines(worker, 3)
  const lastMs = async () => (await listSession(store)).transcripts[0]?.parts.at(-1)?.parsed?.ms ?? 0
  const before = await lastMs()
  await archive(worker)
  expect((await lastMs()) - before).toBe(1)
})

describe('a session that may still be in use', () => {
  test('is refused for 24 hours after a lease, by the clock of the store', async () => {
    const clock = {now: Date.UTC(2026, 0, 1)}
    const store = storeAt(clock)
    await using worker = await SyncWorker.start(store)
    const text = await pushLines(worker, 3)
    const lease = await SessionLease.acquire(leaseContext(worker.context), SESSION)
    await expect(archive(worker)).rejects.toMatchObject({
      code: 'ARCHIVE_IN_USE',
      kind: 'conflict',
      message: expect.stringContaining('holds it until 2026-01-01T00:01:00.000Z'),
    })
    // Another's lease is not taken away.
    await expect(archive(worker, {inUse: 'archive'})).rejects.toMatchObject({code: 'LEASE_HELD'})
    await lease.release()
    clock.now += DAY - 1000
    await expect(archive(worker)).rejects.toMatchObject({
      code: 'ARCHIVE_IN_USE',
      message: expect.stringContaining('held it until 2026-01-01T00:00:00.000Z'),
      suggestions: expect.arrayContaining([expect.stringContaining('2026-01-02T00:00:00.000Z')]),
    })
    expect(await archive(worker, {inUse: 'leave'})).toMatchObject({action: 'left', left: ['in-use']})
    expect(await archiveOf(store)).toEqual([])
    clock.now += 1000
    expect(await archive(worker)).toMatchObject({action: 'archived'})
    expect(await delivered(store)).toBe(text)
  })

  test('is refused for 24 hours after a part of another program, also of a subagent', async () => {
    for (const subpath of [undefined, SUBPATH]) {
      const clock = {now: Date.UTC(2026, 0, 1)}
      const store = storeAt(clock)
      await using worker = await SyncWorker.start(store)
      const text = await pushLines(worker, 2)
      const line = message('theirs')
      const key = {...KEY, ...(subpath !== undefined && {subpath})}
      await appendReference(store, key, [line.trimEnd()], systemClock.now() + 5000)
      clock.now += DAY - 1
      await expect(archive(worker)).rejects.toMatchObject({code: 'ARCHIVE_IN_USE'})
      clock.now += 1
      expect(await archive(worker)).toMatchObject({action: 'archived'})
      expect(await delivered(store, subpath)).toBe(subpath === undefined ? text + line : line)
    }
  })

  test('is archived when it is told to, with a grace for readers in flight', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    const text = await pushLines(worker, 2)
    await appendReference(store, KEY, [message('theirs').trimEnd()], systemClock.now() + 5000)
    const done = await archive(worker, {inUse: 'archive'})
    expect(done).toMatchObject({action: 'archived', deleted: 0})
    expect(done.waiting).toBeGreaterThan(0)
    expect(await referenceLines(store)).toContain(message('theirs'))
    // What waited is for the next run.
    expect(await archive(worker, {inUse: 'archive', grace: 0})).toMatchObject({action: 'archived', waiting: 0})
    expect(await sizesUnder(store)).toEqual([0])
    expect(await delivered(store)).toBe(text + message('theirs'))
  })

  test('is not one that was held for an archiving alone', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    const text = await pushLines(worker, 2)
    expect(await archive(worker, {grace: HOUR})).toMatchObject({action: 'archived', deleted: 0, waiting: 2})
    expect(await referenceLines(store)).toBe(text)
    expect(await archive(worker)).toMatchObject({action: 'archived', waiting: 0})
    expect(await sizesUnder(store)).toEqual([0])
  })

  test('is not one whose holder is known to be dead', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using worker = await SyncWorker.start(store)
    await pushLines(worker, 2)
    await SessionLease.acquire(leaseContext(worker.context), SESSION)
    await expect(archive(worker)).rejects.toMatchObject({code: 'ARCHIVE_IN_USE'})
    const context = {...worker.context, isDead: () => true}
    const {session} = await archiveSession(context, await listSession(store), {codec: 'gzip', inUse: 'refuse'})
    expect(session.action).toBe('archived')
  })
})

test('a crash at any call loses nothing, and the next run finishes', {timeout: 120_000}, async () => {
  let died = 0
  for (let call = 1; call === died + 1; call++) {
    for (const when of ['before', 'after'] as const) {
      const store = new MemoryObjectStore({clock: systemClock})
      await using worker = await SyncWorker.start(store)
      const sub = await pushLines(worker, 2, SUBPATH)
      const main = await pushLines(worker, 3)
      const expectWhole = async (): Promise<void> =>
        expect([await delivered(store), await delivered(store, SUBPATH)], `${when} call ${call}`).toEqual([main, sub])
      const crashing = new CrashingStore(store, call, when)
      await archive(worker, {}, crashing).catch(() => (died = call))
      await expectWhole()
      const next = {...worker.context, isDead: () => true, parts: new Parts(store)}
      const {session} = await archiveSession(next, await listSession(store), {codec: 'gzip', inUse: 'refuse'})
      expect(['archived', 'unchanged']).toContain(session.action)
      await expectWhole()
      expect(await sizesUnder(store), `${when} call ${call}`).toEqual([0, 0])
      expect(await archiveOf(store), `${when} call ${call}`).toHaveLength(2)
    }
  }
  expect(died).toBeGreaterThan(30)
})

/** A server that takes no notice of conditions. */
class WithoutConditions extends ObjectStoreDecorator {
  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.inner.put(key, body, {...options, mode: OVERWRITE})
  }
}

test('where conditions are ignored it is refused, as leases are', async () => {
  const store = new WithoutConditions(new MemoryObjectStore({clock: systemClock}))
  await using worker = await SyncWorker.start(store)
  const text = await pushLines(worker, 2)
  await expect(archive(worker)).rejects.toMatchObject({code: 'CONDITIONS_IGNORED', kind: 'usage'})
  expect(await archiveOf(store)).toEqual([])
  expect(await delivered(store)).toBe(text)
})

test('damage is found before anything is deleted', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using worker = await SyncWorker.start(store)
  await pushLines(worker, 3)
  const [key = ''] = await keysOf(store, `${HOME}/`)
  const head = await store.head(key)
  const bytes = Buffer.alloc(head?.size ?? 0, 'x')
  bytes[bytes.length - 1] = 0x0a
  await store.put(key, bytes, {mode: OVERWRITE, metadata: head?.metadata ?? {}})
  await expect(archive(worker)).rejects.toMatchObject({code: 'PART_DAMAGED'})
  expect((await sizesUnder(store)).filter((size) => size > 0)).toHaveLength(3)
})

test('a codec that is not known is an error for who reads, writes and archives', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using worker = await SyncWorker.start(store)
  const text = await pushLines(worker, 3)
  await archive(worker)
  const [key = ''] = await archiveOf(store)
  const head = await store.head(key)
  await store.put(key, Buffer.from('?'), {mode: OVERWRITE, metadata: {...head?.metadata, codec: 'brotli'}})
  const refused = {code: 'CODEC_UNKNOWN', kind: 'bad-data', message: expect.stringContaining('"brotli"')}
  await expect(viewTranscript(new Parts(store), REF)).rejects.toMatchObject(refused)
  await worker.write(HOME, text + message('more'))
  await expect(pushSession(worker.context, await worker.session())).rejects.toMatchObject(refused)
})

test('sessions are chosen by when they were written last', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using worker = await SyncWorker.start(store)
  await pushLines(worker, 3)
  const sessions = [{sessionId: SESSION}]
  const given = {concurrency: 1, progress: silentProgress, archive: {codec: 'gzip', inUse: 'leave'}} as const
  const young = await compactMany(worker.context, sessions, {...given, olderThan: HOUR})
  expect(young.sessions).toMatchObject([{action: 'unchanged', partsBefore: 3, partsAfter: 3}])
  const old = await compactMany(worker.context, sessions, {...given, olderThan: 0})
  expect(old.sessions).toMatchObject([{action: 'archived', partsBefore: 3, partsAfter: 1}])
})
