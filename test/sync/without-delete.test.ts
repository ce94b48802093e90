import {appendFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type DeleteResult, type ObjectStore} from '../../src/object-store/object-store.js'
import {readObject} from '../../src/object-store/read-object.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}

class WithoutDelete extends ObjectStoreDecorator {
  override async delete(keys: readonly string[]): Promise<DeleteResult> {
    return {failed: keys.map((key) => ({key, code: 'ACCESS_DENIED', message: 'no'})), date: Date.now()}
  }
}

/** What a reader of the layout gets that knows of nothing but parts. */
async function plainly(store: ObjectStore): Promise<string> {
  const {objects} = await listAll(store, {prefix: `-a/${SESSION}/`})
  const bodies = await Promise.all(objects.map(async ({key}) => readObject(store, key, {limit: 1024 * 1024})))
  return bodies.map((body) => Buffer.from(body?.bytes ?? []).toString()).join('')
}

async function journals(store: ObjectStore): Promise<number> {
  return (await listAll(store, {prefix: '.reprise/rebase/'})).objects.length
}

/** A session of one part of ours and one of another writer, with a key that sorts where `where` says. */
async function sessionWithLoosePart(where: 'before' | 'behind'): Promise<MemoryObjectStore> {
  const store = new MemoryObjectStore({clock: systemClock})
  await using first = await SyncWorker.start(store, 'first')
  await first.write('-a', message(1))
  await pushSession(first.context, await first.session())
  const ms = where === 'before' ? 1_700_000_000_000 : Date.now() + 5
  await store.put(`-a/${SESSION}/part-${ms}-abcdef.jsonl`, Buffer.from(message('loose')), {mode: CREATE})
  return store
}

/** What resuming does around a claude. */
async function goOn(worker: SyncWorker, written: readonly string[]): Promise<string> {
  const {context, processes} = worker
  const lease = await SessionLease.acquire(leaseContext(context), SESSION)
  await using mirror = new SessionMirror(context, lease, REF, {projectKey: '-b'})
  await mirror.settle()
  await pullSession(context, SESSION, {projectKey: '-b', processes})
  await mirror.begin()
  mirror.start(() => undefined)
  for (const line of written) {
    await appendFile(worker.pathOf('-b'), line)
    await new Promise((resolve) => setTimeout(resolve, 1_300))
  }
  expect(await mirror.finish()).toMatchObject({complete: true})
  await lease.release()
  return worker.read('-b')
}

describe.each(['before', 'behind'] as const)('a loose part that sorts %s the others', (where) => {
  test('stays where nobody may delete it, what follows goes beside it, and every reader has each line once', async () => {
    const store = await sessionWithLoosePart(where)
    await using b = await SyncWorker.start(new WithoutDelete(store), 'b')
    const local = await goOn(b, [message(2), message(3)])
    const lines = where === 'before' ? ['loose', 1, 2, 3] : [1, 'loose', 2, 3]
    expect(local).toBe(lines.map((each) => message(each)).join(''))
    expect(await plainly(store)).toBe(local)
    expect(await journals(store)).toBe(0)
    expect((await pushSession(b.context, await b.session())).action).toBe('unchanged')

    // Whoever may delete makes one chain of it.
    await using c = await SyncWorker.start(store, 'c')
    expect(await goOn(c, [])).toBe(local)
    expect(await journals(store)).toBe(1)
  })

  test('is brought into the chain by who may delete', async () => {
    const store = await sessionWithLoosePart(where)
    await using b = await SyncWorker.start(store, 'b')
    const local = await goOn(b, [message(2)])
    expect(await journals(store)).toBe(1)
    await using c = await SyncWorker.start(store, 'c')
    await pullSession(c.context, SESSION, {projectKey: '-c', processes: c.processes})
    expect(await c.read('-c')).toBe(local)
  })
})
