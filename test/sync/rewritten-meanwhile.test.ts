import {appendFile, rename, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectBody, PutOptions, PutResult} from '../../src/object-store/object-store.js'
import {CREATE} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext} from '../../src/sync/context.js'
import {openLocalTranscript} from '../../src/sync/local-transcript.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const LINES = [1, 2, 3].map((id) => message(id))
const WHOLE = LINES.join('')
/** The first line is longer, so that all others end elsewhere. */
const MOVED = [message(1, 'written again, and longer'), ...LINES.slice(1)].join('')

/** Something happens right before a session's lease is taken: the local file was opened and compared by then. */
class StoreWithLease extends MemoryObjectStore {
  beforeLease: (() => Promise<void>) | undefined

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const happens = key.startsWith('.reprise/leases/') ? this.beforeLease : undefined
    if (happens) this.beforeLease = undefined
    await happens?.()
    return super.put(key, body, options)
  }
}

async function stored(worker: SyncWorker): Promise<string> {
  await using reader = await SyncWorker.start(worker.context.store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

describe('a local file that was opened', () => {
  test('goes on to be what it was when Claude appends to it, or puts a new one in its place', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await a.write('-a', WHOLE)
    await using local = await openLocalTranscript(a.pathOf('-a'), a.context.uid)
    await appendFile(a.pathOf('-a'), message(4))
    expect(await text(local)).toBe(WHOLE)
    await a.write('-b', MOVED)
    await rename(a.pathOf('-b'), a.pathOf('-a'))
    expect(await text(local)).toBe(WHOLE)
  })

  test.each([
    ['longer', MOVED],
    ['shorter', WHOLE.slice(0, -1)],
    ['as long, its last line another', [...LINES.slice(0, 2), message(4)].join('')],
  ])('cannot be read to its end any more when it is rewritten where it lies: %s', async (_, rewritten) => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    await a.write('-a', WHOLE)
    await using local = await openLocalTranscript(a.pathOf('-a'), a.context.uid)
    await writeFile(a.pathOf('-a'), rewritten)
    await expect(text(local)).rejects.toMatchObject({code: 'LOCAL_CHANGED'})
  })
})

describe('a file whose lines move while it is stored: no half a line is', () => {
  test('when a push stores the union of both sides', async () => {
    const store = new StoreWithLease({clock: systemClock})
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await b.write('-b', LINES[0] + message('b'))
    await pushSession(b.context, await b.session())
    await a.write('-a', WHOLE)
    store.beforeLease = () => writeFile(a.pathOf('-a'), MOVED)
    await expect(pushSession(a.context, await a.session(), {merge: true})).rejects.toMatchObject({
      code: 'LOCAL_CHANGED',
    })
    expect(await stored(a)).toBe(LINES[0] + message('b'))
    await pushSession(a.context, await a.session(), {merge: true})
    expect(await stored(a)).toBe(MOVED + message('b'))
  })

  test('when a push appends beside loose parts', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using a = await SyncWorker.start(store, 'a')
    await a.write('-a', LINES[0] ?? '')
    await pushSession(a.context, await a.session())
    await store.put(`-a/${SESSION}/part-${Date.now() + 5}-abcdef.jsonl`, Buffer.from(LINES[1] ?? ''), {mode: CREATE})
    await a.write('-a', WHOLE)
    const rewriting = async () => {
      await writeFile(a.pathOf('-a'), MOVED)
    }
    await expect(pushSession(a.context, await a.session(), {inspect: rewriting})).rejects.toMatchObject({
      code: 'LOCAL_CHANGED',
    })
    expect(await stored(a)).toBe(LINES.slice(0, 2).join(''))
  })

  test('when a mirror takes a rewritten file up', async () => {
    const store = new StoreWithLease({clock: systemClock})
    await using a = await SyncWorker.start(store, 'a')
    await a.write('-a', message(0) + WHOLE)
    const lease = await SessionLease.acquire(leaseContext(a.context), SESSION)
    const ref = {homeKey: await a.context.homes.record(SESSION, '-a'), sessionId: SESSION}
    const mirror = new SessionMirror(a.context, lease, ref, {projectKey: '-a'})
    await mirror.begin()
    await writeFile(a.pathOf('-a'), WHOLE)
    store.beforeLease = () => writeFile(a.pathOf('-a'), MOVED)
    expect(await mirror.finish()).toMatchObject({complete: true})
    expect(await stored(a)).toBe(MOVED)
    const bodies: string[] = []
    for (const part of (await a.context.parts.list(ref)).parts) {
      for await (const chunk of a.context.parts.read(part, 0, part.size)) bodies.push(Buffer.from(chunk).toString())
    }
    expect(bodies.filter((body) => body !== '' && !body.endsWith('\n'))).toEqual([])
  })
})

async function text(bytes: {
  length: number
  read(start: number, end: number): AsyncIterable<Uint8Array>
}): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes.read(0, bytes.length)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
