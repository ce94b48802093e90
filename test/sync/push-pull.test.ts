import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession, type PushOptions} from '../../src/sync/push-session.js'
import {bookkeeping, message, SESSION, SyncWorker} from '../support/sync-worker.js'

function newStore(): MeteredObjectStore {
  return new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
}

async function push(worker: SyncWorker, options: PushOptions = {}) {
  return pushSession(worker.context, await worker.session(), options)
}

async function pull(worker: SyncWorker, projectKey = '-b', more: {merge?: boolean; force?: boolean} = {}) {
  return pullSession(worker.context, SESSION, {projectKey, processes: worker.processes, ...more})
}

describe('push and pull', () => {
  test('a session goes from one machine to another, byte for byte, under the key asked for', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1) + bookkeeping('mode') + message(2))
    await a.write('-a', message('s1'), SESSION, 'subagents/agent-x')
    expect(await push(a)).toMatchObject({action: 'pushed', partsCreated: 2})
    expect(await pull(b)).toMatchObject({action: 'pulled', projectKey: '-b'})
    expect(await b.read('-b')).toBe(await a.read('-a'))
    expect(await b.read('-b', SESSION, 'subagents/agent-x')).toBe(message('s1'))
  })

  test('a second push sends nothing; a grown file sends its tail alone', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(1))
    await push(a)
    expect(await push(a)).toMatchObject({action: 'unchanged', bytesUploaded: 0, partsCreated: 0})
    await a.write('-a', message(1) + message(2))
    expect(await push(a)).toMatchObject({action: 'pushed', bytesUploaded: message(2).length, partsCreated: 1})
  })

  test('a torn last line stays here until it is whole, and a pull keeps it beside the file', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', `${message(1)}{"torn`)
    await push(a)
    await pull(b)
    expect(await b.read('-b')).toBe(message(1))
    await b.write('-b', message(1) + message(2))
    await push(b)
    expect(await pull(a)).toMatchObject({action: 'pulled', projectKey: '-a'})
    expect(await a.read('-a')).toBe(message(1) + message(2))
    expect(await a.read('-a', `${SESSION}.jsonl`).catch(() => 'none')).toBe('none')
  })

  test('work on two machines in turn ends equal on both', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1))
    await push(a)
    await pull(b)
    await b.write('-b', (await b.read('-b')) + message(2))
    await push(b)
    await pull(a)
    await a.write('-a', (await a.read('-a')) + message(3))
    await push(a)
    await pull(b)
    expect(await b.read('-b')).toBe(message(1) + message(2) + message(3))
    expect(await b.read('-b')).toBe(await a.read('-a'))
  })

  test('behind says so and sends nothing', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store)
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1))
    await push(a)
    await pull(b)
    await b.write('-b', message(1) + message(2))
    await push(b)
    expect(await push(a)).toMatchObject({action: 'behind', bytesUploaded: 0})
  })

  test('both have messages that the other lacks: refused with a count, merged when told to', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1))
    await push(a)
    await pull(b)
    await a.write('-a', message(1) + message('a2'))
    await b.write('-b', message(1) + message('b2'))
    await push(a)
    await expect(push(b)).rejects.toMatchObject({code: 'SESSION_DIVERGED', details: {localOnly: 1, storedOnly: 1}})
    await expect(pull(b)).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
    expect(await push(b, {merge: true})).toMatchObject({action: 'merged'})
    await pull(b)
    await pull(a)
    expect(await b.read('-b')).toBe(message(1) + message('b2') + message('a2'))
    expect(await a.read('-a')).toBe(await b.read('-b'))
  })

  test('a rewrite by Claude replaces what is stored; elsewhere a pull takes it', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1) + message(2) + message(3))
    await push(a)
    await a.write('-a', message(1) + message(3) + message(4))
    expect(await push(a)).toMatchObject({action: 'replaced'})
    await pull(b)
    expect(await b.read('-b')).toBe(message(1) + message(3) + message(4))
    expect(await push(a)).toMatchObject({action: 'unchanged'})
  })

  test('two pushes at once end with every line once', async () => {
    for (let round = 0; round < 20; round++) {
      const store = newStore()
      await using a = await SyncWorker.start(store, 'a')
      await using b = await SyncWorker.start(store, 'b')
      const text = message(1) + bookkeeping('mode') + message(2)
      await a.write('-a', text)
      await b.write('-a', text)
      await Promise.all([push(a), push(b)])
      await using c = await SyncWorker.start(store, 'c')
      await pull(c)
      expect(await c.read('-b')).toBe(text)
    }
  })

  test('parts of the reference layout are pulled in order and extended', async () => {
    const store = newStore()
    await using b = await SyncWorker.start(store, 'b')
    const ahead = Date.now() + 3_600_000
    for (const [at, line] of [message(1), bookkeeping('mode'), message(2)].entries()) {
      await store.put(
        `-old/${SESSION}/part-${ahead + at}-${'abcdef'.slice(at)}${'0'.repeat(at)}.jsonl`,
        Buffer.from(line),
        {mode: {type: 'create'}},
      )
    }
    expect(await pull(b)).toMatchObject({action: 'pulled'})
    expect(await b.read('-b')).toBe(message(1) + bookkeeping('mode') + message(2))
    await b.write('-b', (await b.read('-b')) + message(3))
    expect(await push(b)).toMatchObject({action: 'pushed'})
    await using c = await SyncWorker.start(store, 'c')
    await pull(c)
    expect(await c.read('-b')).toBe(message(1) + bookkeeping('mode') + message(2) + message(3))
  })
})
