import {appendFile} from 'node:fs/promises'
import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {OVERWRITE} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext, type SyncContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}
const LINES = [1, 2, 3].map((id) => message(id))

async function stored({context}: SyncWorker): Promise<string> {
  await using reader = await SyncWorker.start(context.store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

/** Three parts of a holder that was cut off; a copy of the bucket lost what is known of the second. */
async function copied(worker: SyncWorker): Promise<void> {
  const {context} = worker
  const lease = await SessionLease.acquire(leaseContext(context), SESSION)
  await context.homes.record(SESSION, '-a')
  const mirror = new SessionMirror(context, lease, REF, {projectKey: '-a'})
  for (const line of LINES) {
    await worker.write('-a', '')
    await appendFile(worker.pathOf('-a'), LINES.slice(0, LINES.indexOf(line) + 1).join(''))
    await mirror.begin()
  }
  await mirror[Symbol.asyncDispose]()
  const {parts} = await context.parts.list(REF)
  expect(parts).toHaveLength(3)
  await context.store.put(parts[1]?.key ?? '', Buffer.from(LINES[1] ?? ''), {mode: OVERWRITE})
}

/** Takes the session over by force, as the next worker does. */
async function nextWorker(b: SyncWorker): Promise<{context: SyncContext; lease: SessionLease}> {
  return {context: b.context, lease: await SessionLease.acquire(leaseContext(b.context), SESSION, {force: true})}
}

test('who takes a copy of a bucket over that lost metadata cuts nothing off', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using a = await SyncWorker.start(store, 'a')
  await using b = await SyncWorker.start(store, 'b')
  await copied(a)
  const {context, lease} = await nextWorker(b)
  await using mirror = new SessionMirror(context, lease, REF, {projectKey: '-b'})
  await mirror.settle()
  expect(await stored(b)).toBe(LINES.join(''))
})

test('nor does a push that settles it', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using a = await SyncWorker.start(store, 'a')
  await using b = await SyncWorker.start(store, 'b')
  await copied(a)
  await (await nextWorker(b)).lease.release()
  await b.write('-b', LINES.join('') + message(4))
  await pushSession(b.context, await b.session())
  expect(await stored(b)).toBe(LINES.join('') + message(4))
})
