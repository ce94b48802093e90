import {appendFile, rm, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type ObjectBody, type PutOptions, type PutResult} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext, writeContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {appendPoint, appendUnleased} from '../../src/store/unleased.js'
import {viewTranscript} from '../../src/store/view.js'
import {sha256Hex} from '../../src/base/hash.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}

/** Something happens right before the next write of an object whose key matches. */
class InterruptedStore extends MemoryObjectStore {
  #next: {readonly key: RegExp; readonly happens: () => Promise<void>} | undefined

  before(key: RegExp, happens: () => Promise<void>): void {
    this.#next = {key, happens}
  }

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const next = this.#next
    if (next?.key.test(key)) {
      this.#next = undefined
      await next.happens()
    }
    return super.put(key, body, options)
  }
}

async function mirroring(worker: SyncWorker): Promise<SessionMirror> {
  const lease = await SessionLease.acquire(leaseContext(worker.context), SESSION)
  await worker.context.homes.record(SESSION, '-a')
  const mirror = new SessionMirror(worker.context, lease, REF, {projectKey: '-a'})
  await mirror.begin()
  return mirror
}

async function stored(worker: SyncWorker): Promise<string> {
  await using reader = await SyncWorker.start(worker.context.store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

describe('while a claude is mirrored', () => {
  test('a loose part of another writer is kept, and delivered', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using a = await SyncWorker.start(store, 'a')
    await a.write('-a', message(1))
    const mirror = await mirroring(a)
    await store.put(`-a/${SESSION}/part-${Date.now() + 5}-abcdef.jsonl`, Buffer.from(message('loose')), {mode: CREATE})
    await appendFile(a.pathOf('-a'), message(2))
    expect(await mirror.finish()).toMatchObject({complete: true})
    const text = await stored(a)
    for (const each of [message(1), message(2), message('loose')]) expect(text.split(each)).toHaveLength(2)
  })

  test.each([[''], [message(2)]])(
    'what was appended without a lease is kept, and delivered (then: %j)',
    async (more) => {
      const store = new MemoryObjectStore({clock: systemClock})
      await using a = await SyncWorker.start(store, 'a')
      await using b = await SyncWorker.start(store, 'b')
      await a.write('-a', message(1))
      const mirror = await mirroring(a)
      const point = appendPoint(await viewTranscript(b.context.parts, REF))
      const whole = message(1) + message('other')
      const tail = {to: whole.length, after: sha256Hex(whole), entries: 1, body: Buffer.from(message('other'))}
      if (point) await appendUnleased(writeContext(b.context), REF, point, tail)
      await appendFile(a.pathOf('-a'), more)
      expect(await mirror.finish()).toMatchObject({complete: true})
      const text = await stored(a)
      for (const each of [message(1), message('other'), ...(more === '' ? [] : [more])]) {
        expect(text.split(each), each).toHaveLength(2)
      }
    },
  )

  test('a file that is rewritten while its rewrite is stored ends as it is, readable', async () => {
    const store = new InterruptedStore({clock: systemClock})
    await using a = await SyncWorker.start(store, 'a')
    await a.write('-a', message(1) + message(2) + message(3))
    const mirror = await mirroring(a)
    await writeFile(a.pathOf('-a'), message(1) + message(3) + message(4))
    const last = message(1) + message(5) + message(6)
    store.before(/\/rebase\//, () => writeFile(a.pathOf('-a'), last))
    expect(await mirror.finish()).toMatchObject({complete: true})
    expect(await stored(a)).toBe(last)
  })

  test('a config dir that is gone at the end is not reported as stored', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await a.write('-a', message(1))
    const mirror = await mirroring(a)
    await rm(a.configDir, {recursive: true})
    expect(await mirror.finish()).toMatchObject({complete: false, error: {code: 'LOCAL_GONE'}})
  })
})

test('a push of a file that is rewritten meanwhile stores nothing that cannot be read', async () => {
  const store = new InterruptedStore({clock: systemClock})
  await using a = await SyncWorker.start(store, 'a')
  await a.write('-a', message(1))
  await pushSession(a.context, await a.session())
  await a.write('-a', message(1) + message(2) + message(3))
  const rewritten = message(1) + message(8) + message(9)
  store.before(/\/part-/, () => writeFile(a.pathOf('-a'), rewritten))
  await pushSession(a.context, await a.session()).catch(() => undefined)
  await stored(a)
  await pushSession(a.context, await a.session(), {merge: true})
  expect(await stored(a)).toContain(message(9))
})
