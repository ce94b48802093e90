import {appendFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {storeError} from '../../src/object-store/errors.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type ObjectBody, type PutOptions, type PutResult} from '../../src/object-store/object-store.js'
import {encodeLeaseRecord, type LeaseRecord} from '../../src/registry/lease-record.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseKeyOf} from '../../src/store/names.js'
import {viewTranscript} from '../../src/store/view.js'
import {leaseContext} from '../../src/sync/context.js'
import {MirroredTranscript} from '../../src/sync/mirror-transcript.js'
import {pushSession} from '../../src/sync/push-session.js'
import {isAssured} from '../../src/sync/session-lease.js'
import {statusOf} from '../../src/sync/status.js'
import {core} from '../support/simulation/core.js'
import {delayedPut, type PartSpec, Stage} from '../support/simulation/stage.js'
import {REF as STAGE_REF} from '../support/simulation/world.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}
const LINES = ['a', 'b', 'c', 'd'].map((uuid) => `{"uuid":"${uuid}"}\n`)
const LOOSE = '{"uuid":"loose"}\n'
const LEASED = true

function record(epoch: number, cutOff: number): LeaseRecord {
  const owner = {machine: 'm', boot: 'b', pidNamespace: 'n', pid: 1, start: 's'}
  return {version: 1, owner, hold: 'h', epoch, acquired: 0, expiry: 0, released: true, cutOff}
}

/** Parts of one line each; a barrier has none. */
const part = (ms: number, from: number, to: number, epoch: number, leased = false): PartSpec => ({
  chain: LINES.slice(0, to),
  from,
  ms,
  epoch,
  leased,
})

describe('what is listed stays', () => {
  test.each<[string, PartSpec[], LeaseRecord, boolean]>([
    ['a part of the epoch that was cut off', [part(1, 0, 1, 1, LEASED)], record(2, 1), false],
    ['the same when nobody was cut off', [part(1, 0, 1, 1, LEASED)], record(2, 0), true],
    ['one without a lease', [part(1, 0, 1, 1)], record(2, 1), true],
    [
      'one without a lease on one that may be fenced',
      [part(1, 0, 1, 1, LEASED), part(2, 1, 2, 1)],
      record(2, 1),
      false,
    ],
    [
      'one without a lease, of a later epoch, on one that may be fenced',
      [part(1, 0, 1, 2, LEASED), part(2, 1, 2, 1, LEASED), part(3, 2, 3, 2)],
      record(2, 1),
      false,
    ],
    [
      'many without a lease on one that may be fenced',
      [part(1, 0, 1, 1, LEASED), part(2, 1, 2, 1), part(3, 2, 3, 1), part(4, 3, 4, 1)],
      record(2, 1),
      false,
    ],
    ['a barrier on it', [part(1, 0, 1, 1, LEASED), part(2, 1, 1, 2, LEASED)], record(2, 1), true],
    [
      'one without a lease on a barrier on it',
      [part(1, 0, 1, 1, LEASED), part(2, 1, 1, 2, LEASED), part(3, 1, 2, 2)],
      record(3, 1),
      true,
    ],
    [
      'one that landed behind the barrier',
      [part(1, 0, 1, 1, LEASED), part(2, 1, 1, 2, LEASED), part(3, 1, 2, 1, LEASED)],
      record(2, 1),
      false,
    ],
    [
      'one that landed behind the barrier, and sorts before it',
      [part(1, 0, 1, 1, LEASED), part(2, 1, 2, 1, LEASED), part(3, 1, 1, 2, LEASED)],
      record(2, 1),
      false,
    ],
  ])('%s', async (_, parts, lease, stays) => {
    const stage = new Stage(core)
    for (const each of parts) await stage.put(each)
    const view = await viewTranscript(stage.parts, STAGE_REF)
    const assured = async (seen?: typeof view) => isAssured({parts: stage.parts}, view.listing, seen, lease)
    const names = view.listing.parts.map(({name}) => name)
    const isChain = view.resolution.slices.map((slice) => slice.part.name).join() === names.join()
    const byListing = isChain ? await assured() : undefined
    expect({byPath: await assured(view), byListing: byListing ?? stays}).toEqual({byPath: stays, byListing: stays})
  })

  test('a push settles what may be fenced below a part of a later epoch, and says so then', async () => {
    const stage = new Stage(core)
    stage.now = Date.now()
    await using a = await SyncWorker.start(stage.memory, 'a')
    for (const each of [part(1, 0, 1, 2, LEASED), part(2, 1, 2, 1, LEASED), part(3, 2, 3, 2)]) await stage.put(each)
    await stage.memory.put(leaseKeyOf(SESSION), encodeLeaseRecord(record(2, 1)), {mode: CREATE})
    await a.write('-a', LINES.slice(0, 3).join(''))
    expect(await pushSession(a.context, await a.session())).toMatchObject({action: 'unchanged'})
    const {resolution} = await viewTranscript(stage.parts, STAGE_REF)
    expect(resolution.end?.range).toMatchObject({
      epoch: 3,
      leased: true,
      from: resolution.length,
      to: resolution.length,
    })
  })

  test.each([
    ['what others went on from', LINES.slice(0, 2), [part(3, 2, 3, 2)], 'behind'],
    ['and what stands beside it is gone on from', [...LINES.slice(0, 2), LOOSE, ...LINES.slice(2, 3)], [], 'pushed'],
  ])('the same for %s', async (_, local, more, action) => {
    const stage = new Stage(core)
    stage.now = Date.now()
    await using a = await SyncWorker.start(stage.memory, 'a')
    for (const each of [part(1, 0, 1, 2, LEASED), part(2, 1, 2, 1, LEASED), ...more]) await stage.put(each)
    if (action === 'pushed') await stage.loose(3, [LOOSE])
    await stage.memory.put(leaseKeyOf(SESSION), encodeLeaseRecord(record(2, 1)), {mode: CREATE})
    await a.write('-a', local.join(''))
    expect(await pushSession(a.context, await a.session())).toMatchObject({action})
    const view = await viewTranscript(stage.parts, STAGE_REF)
    expect(await isAssured({parts: stage.parts}, view.listing, view, record(3, 2))).toBe(true)
  })

  test('what a holder that was cut off sends late is not reported as stored, although readers have it', async () => {
    const stage = new Stage(core)
    stage.now = Date.now()
    const late = delayedPut(stage)
    await using a = await SyncWorker.start(stage.memory, 'a')
    await using b = await SyncWorker.start(stage.memory, 'b')
    await a.write('-a', message(1))
    await pushSession(a.context, await a.session())
    const slow = {
      ...a.context,
      store: late.store as MemoryObjectStore,
      parts: new core.Parts(late.store as MemoryObjectStore),
    }
    const cutOff = new MirroredTranscript(
      slow,
      await SessionLease.acquire(leaseContext(slow), SESSION),
      REF,
      a.pathOf('-a'),
    )
    await cutOff.sync()
    await appendFile(a.pathOf('-a'), message('late'))
    await expect(cutOff.sync()).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})

    await b.write('-b', message(1))
    const lease = await SessionLease.acquire(leaseContext(b.context), SESSION, {force: true})
    const holder = new MirroredTranscript(b.context, lease, REF, b.pathOf('-b'))
    await holder.sync()
    await late.land()
    await expect(pushSession(a.context, await a.session())).rejects.toMatchObject({code: 'LEASE_HELD'})
    const status = await statusOf(a.context, [await a.session()], {processes: a.processes, concurrency: 1})
    expect(status).toMatchObject({allStored: false, sessions: [{state: 'unassured'}]})

    await appendFile(b.pathOf('-b'), message('b'))
    await holder.sync()
    await lease.release()
    expect(await stage.text((await viewTranscript(stage.parts, REF)).delivery)).toBe(message(1) + message('b'))
    await pushSession(a.context, await a.session(), {merge: true})
    expect(await stage.text((await viewTranscript(stage.parts, REF)).delivery)).toContain(message('late'))
  })
})

/** Its clock is the test's; writes of lease records can be made to fail. */
class UnsureStore extends MemoryObjectStore {
  readonly #time: {now: number}
  failing = false
  /** Runs right before a part is created. */
  beforePart: () => void = () => undefined

  constructor(time: {now: number}) {
    super({clock: {now: () => time.now}})
    this.#time = time
  }

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    if (this.failing && key.startsWith('.reprise/leases/')) throw storeError('STORE_UNREACHABLE', 'no answer')
    if (key.includes('/part-')) this.beforePart()
    return super.put(key, body, options)
  }

  sleepFor(ms: number): void {
    this.#time.now += ms
  }
}

async function unconfirmed() {
  const store = new UnsureStore({now: Date.now()})
  const a = await SyncWorker.start(store, 'a')
  await a.write('-a', message(1))
  const lease = await SessionLease.acquire(leaseContext(a.context), SESSION)
  const mirrored = new MirroredTranscript(a.context, lease, REF, a.pathOf('-a'))
  await mirrored.sync()
  store.beforePart = () => {
    store.sleepFor(58_000)
    store.failing = true
  }
  await appendFile(a.pathOf('-a'), message(2))
  await expect(mirrored.sync()).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  store.beforePart = () => undefined
  const epochs = async () =>
    (await a.context.parts.describe((await a.context.parts.list(REF)).parts)).map((part) =>
      'range' in part ? part.range.epoch : 0,
    )
  expect(await epochs()).toHaveLength(2)
  return {a, store, mirrored, epochs}
}

describe('an append that landed, and whose confirmation failed', () => {
  test('is not reported as stored before a renewal, and a barrier of a later epoch stands on it then', async () => {
    const {a, store, mirrored, epochs} = await unconfirmed()
    await using _ = a
    expect(mirrored.stored).toBeUndefined()
    await expect(mirrored.sync()).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
    expect(mirrored.stored).toBeUndefined()
    store.failing = false
    await mirrored.sync()
    expect(mirrored.stored).toMatchObject({length: (message(1) + message(2)).length})
    expect(await epochs()).toEqual([1, 1, 2])
  })

  test('is never reported when another took the session over meanwhile', async () => {
    const {a, store, mirrored} = await unconfirmed()
    await using _ = a
    store.failing = false
    store.sleepFor(60_000)
    await using b = await SyncWorker.start(store, 'b')
    await SessionLease.acquire(leaseContext(b.context), SESSION)
    await expect(mirrored.sync()).rejects.toMatchObject({code: 'LEASE_LOST'})
    expect(mirrored.stored).toBeUndefined()
  })
})
