import {once} from 'node:events'
import {appendFile, utimes} from 'node:fs/promises'
import {expect, test} from 'vitest'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectBody, PutOptions, PutResult} from '../../src/object-store/object-store.js'
import {LEASE_LIFE_MS, SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {ManualClock} from '../metrics/support/manual-clock.js'
import {untilQuiet} from '../support/simulation/sync/world.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}
const MINUTE = 60_000

/** Writes down when the lease record was written, by its own clock. */
class TimedStore extends MemoryObjectStore {
  readonly leaseWrites: number[] = []
  beforePart: () => Promise<unknown> = async () => undefined
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    super({clock})
    this.#clock = clock
  }

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    if (key.includes('/part-')) await this.beforePart()
    const result = await super.put(key, body, options)
    if (key.startsWith('.reprise/leases/')) this.leaseWrites.push(this.#clock.now())
    return result
  }
}

test('the lease is held and renewed from the settling to the end, however long each takes', async () => {
  const clock = new ManualClock()
  const store = new TimedStore(clock)
  await using a = await SyncWorker.start(store, 'a')
  await using b = await SyncWorker.start(store, 'b')
  await a.write('-a', message(1))
  await a.context.homes.record(SESSION, '-a')
  const mine = {...a.context, clock}
  const theirs = leaseContext({...b.context, clock})
  /** Nobody else gets it in that time. */
  const pass = async (ms: number): Promise<void> => {
    for (const end = clock.now() + ms; clock.now() < end;) {
      await clock.pass(1_000)
      await untilQuiet()
      await expect(SessionLease.acquire(theirs, SESSION)).rejects.toMatchObject({code: 'LEASE_HELD'})
    }
  }

  const lease = await SessionLease.acquire(leaseContext(mine), SESSION)
  await using mirror = new SessionMirror(mine, lease, REF, {projectKey: '-a'})
  await mirror.settle()
  await pass(5 * MINUTE) // a pull of much over a slow line
  await mirror.begin()
  await pass(5 * MINUTE) // a claude that takes its time to start
  mirror.start(() => expect.unreachable('the lease is lost'))
  for (let turn = 2; turn < 5; turn++) {
    await appendFile(a.pathOf('-a'), message(turn))
    await utimes(a.pathOf('-a'), clock.now() / 1_000, clock.now() / 1_000)
    await pass(4 * MINUTE)
  }
  const begun = clock.now()
  const slow = mirror.finish()
  await untilQuiet()
  expect(await slow).toMatchObject({complete: true, entries: 4})
  const {leaseWrites} = store
  const pauses = leaseWrites.map((at, index) => at - (leaseWrites[index - 1] ?? at))
  expect(Math.max(...pauses)).toBeLessThanOrEqual(LEASE_LIFE_MS / 3 + 1_000)
  expect(leaseWrites.at(-1)).toBeGreaterThanOrEqual(begun)

  const last = leaseWrites.length
  await clock.pass(2 * MINUTE)
  await untilQuiet()
  expect(leaseWrites).toHaveLength(last)
  expect((await SessionLease.acquire(theirs, SESSION)).epoch).toBeGreaterThan(lease.epoch)
})

test('a last upload that takes minutes does not cost the lease', async () => {
  const clock = new ManualClock()
  const store = new TimedStore(clock)
  const uploaded = new AbortController()
  store.beforePart = async () => {
    if (!uploaded.signal.aborted) await once(uploaded.signal, 'abort')
  }
  await using a = await SyncWorker.start(store, 'a')
  await using b = await SyncWorker.start(store, 'b')
  await a.context.homes.record(SESSION, '-a')
  const mine = {...a.context, clock}
  const lease = await SessionLease.acquire(leaseContext(mine), SESSION)
  await using mirror = new SessionMirror(mine, lease, REF, {projectKey: '-a'})
  await mirror.begin()
  mirror.start(() => expect.unreachable('the lease is lost'))
  await a.write('-a', message(1))
  const ending = mirror.finish()
  for (let seconds = 0; seconds < 300; seconds++) {
    await untilQuiet()
    await clock.pass(1_000)
  }
  const theirs = leaseContext({...b.context, clock})
  await expect(SessionLease.acquire(theirs, SESSION)).rejects.toMatchObject({code: 'LEASE_HELD'})
  uploaded.abort()
  expect(await ending).toMatchObject({complete: true, entries: 1})
})
