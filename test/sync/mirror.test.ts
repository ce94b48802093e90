import {appendFile, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {bookkeeping, message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}

async function started(worker: SyncWorker, onLost?: () => void) {
  const lease = await SessionLease.acquire(leaseContext(worker.context), SESSION)
  const mirror = new SessionMirror(worker.context, lease, REF, {projectKey: '-a'})
  await worker.context.homes.record(SESSION, '-a')
  await mirror.begin()
  mirror.start(onLost ?? (() => undefined))
  return {lease, mirror}
}

async function stored(worker: SyncWorker): Promise<string> {
  await using reader = await SyncWorker.start(worker.context.store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

async function within<T>(ms: number, look: () => Promise<T>, until: (value: T) => boolean): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const value = await look().catch(() => undefined)
    if (value !== undefined && until(value)) return value
    if (performance.now() > end) throw new Error(`not within ${ms} ms; last: ${String(value)}`)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

describe('mirror', () => {
  test('stores what is written within a second or so, subagents too, and the rest at the end', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await a.write('-a', message(1))
    const {lease, mirror} = await started(a)
    await appendFile(a.pathOf('-a'), message(2))
    await within(
      3_000,
      () => stored(a),
      (text) => text === message(1) + message(2),
    )
    await a.write('-a', message('s'), SESSION, 'subagents/agent-x')
    await appendFile(a.pathOf('-a'), `${bookkeeping('mode')}{"to`)
    expect(await mirror.finish()).toMatchObject({complete: true})
    expect(await stored(a)).toBe(message(1) + message(2) + bookkeeping('mode'))
    await lease.release()
  })

  test('follows a rewrite of the file, whatever it removed', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await a.write('-a', message(1) + message(2) + message(3))
    const {mirror} = await started(a)
    await writeFile(a.pathOf('-a'), message(1) + message(3) + message(4) + message(5))
    expect(await mirror.finish()).toMatchObject({complete: true})
    expect(await stored(a)).toBe(message(1) + message(3) + message(4) + message(5))
  })

  test('a lost lease ends it, is told once, and stores nothing more', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1))
    let told = 0
    const {mirror} = await started(a, () => told++)
    const taken = await SessionLease.acquire(leaseContext(b.context), SESSION, {force: true})
    await b.write('-a', message(1) + message('b'))
    const other = new SessionMirror(b.context, taken, REF, {projectKey: '-a'})
    await other.begin()
    await appendFile(a.pathOf('-a'), message('late'))
    expect(await mirror.finish()).toMatchObject({complete: false, error: {code: 'LEASE_LOST'}})
    expect(told).toBe(1)
    expect(await stored(a)).toBe(message(1) + message('b'))
  })
})
