import {appendFile, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {leaseContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {moveSessionHere} from '../../src/sync/move-session.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushMany} from '../../src/sync/push-many.js'
import {pushSession} from '../../src/sync/push-session.js'
import {statusOf} from '../../src/sync/status.js'
import {discoverSession, type LocalSession} from '../../src/transcript/discover.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

async function worker(): Promise<SyncWorker> {
  return SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
}

async function copyOf({configDir}: SyncWorker, projectKey: string): Promise<LocalSession> {
  const {sessions} = await discoverSession(configDir, SESSION)
  const copy = sessions.find((each) => each.projectKey === projectKey)
  if (!copy) throw new Error(`no copy under ${projectKey}`)
  return copy
}

async function stored({context}: SyncWorker): Promise<string> {
  await using reader = await SyncWorker.start(context.store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

describe('two copies of a session under two project keys', () => {
  test('that went on apart do not replace each other, whoever was pushed last', async () => {
    await using a = await worker()
    const [one, other] = [message(1) + message(2), message(1) + message('other')]
    await a.write('-a', one)
    await a.write('-b', other)
    expect((await pushSession(a.context, await copyOf(a, '-a'))).action).toBe('pushed')
    await expect(pushSession(a.context, await copyOf(a, '-b'))).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
    expect(await stored(a)).toBe(one)
    expect((await pushSession(a.context, await copyOf(a, '-a'))).action).toBe('unchanged')
    await appendFile(a.pathOf('-b'), message(3))
    await expect(pushSession(a.context, await copyOf(a, '-b'))).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
    expect(await stored(a)).toBe(one)
  })

  test('their subagents neither', async () => {
    await using a = await worker()
    for (const key of ['-a', '-b']) {
      await a.write(key, message(1))
      await a.write(key, message('s') + message(key), SESSION, 'subagents/agent-x')
    }
    await pushSession(a.context, await copyOf(a, '-a'))
    await expect(pushSession(a.context, await copyOf(a, '-b'))).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
  })

  test('pushed together the second is reported as diverged, and status tells it', async () => {
    await using a = await worker()
    await a.write('-a', message(1) + message(2))
    await a.write('-b', message(1) + message('other'))
    const sessions = [await copyOf(a, '-a'), await copyOf(a, '-b')]
    const {store, clock, random} = a.context
    const registry = new StoreRegistry({store, clock, random})
    const report = await pushMany(a.context, sessions, {registry, progress: silentProgress, concurrency: 2})
    expect(report.sessions.map((each) => each.action)).toEqual(['pushed', 'diverged'])
    const status = await statusOf(a.context, sessions, {processes: a.processes, concurrency: 1})
    expect(status.sessions.map((each) => each.state)).toEqual(['stored', 'diverged'])
    expect(status.allStored).toBe(false)
  })

  test('what Claude removed from one of them is still known as its own rewrite', async () => {
    await using a = await worker()
    await a.write('-a', message(1) + message(2) + message(3))
    await a.write('-b', message(1) + message(2))
    await pushSession(a.context, await copyOf(a, '-a'))
    expect((await pushSession(a.context, await copyOf(a, '-b'))).action).toBe('behind')
    await writeFile(a.pathOf('-a'), message(1) + message(3))
    expect((await pushSession(a.context, await copyOf(a, '-a'))).action).toBe('replaced')
    expect(await stored(a)).toBe(message(1) + message(3))
  })

  test('and still when the copy moved to another key in between', async () => {
    await using a = await worker()
    await a.write('-a', message(1) + message(2) + message(3))
    await a.write('-a', message('s') + message('t'), SESSION, 'subagents/agent-x')
    await pushSession(a.context, await copyOf(a, '-a'))
    await writeFile(a.pathOf('-a'), message(1) + message(3))
    await writeFile(a.pathOf('-a', SESSION, 'subagents/agent-x'), message('t'))
    await moveSessionHere(a.context, SESSION, '-b')
    expect((await pushSession(a.context, await copyOf(a, '-b'))).action).toBe('replaced')
    expect(await stored(a)).toBe(message(1) + message(3))
    expect(Object.keys((await a.context.state.read(SESSION)).transcripts).toSorted()).toEqual([
      '-b/',
      '-b/subagents/agent-x',
    ])
  })

  test('one that took the place of another knows nothing of what that one had agreed with', async () => {
    await using a = await worker()
    await a.write('-b', message(1) + message(2))
    await pushSession(a.context, await copyOf(a, '-b'))
    // A copy without a history that ends elsewhere arrives there.
    await writeFile(a.pathOf('-b'), message(1))
    await a.write('-a', message(1) + message('other'))
    await moveSessionHere(a.context, SESSION, '-b')
    await expect(pushSession(a.context, await copyOf(a, '-b'))).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
  })

  test('what a mirror stored of one of them is known of that one alone', async () => {
    await using a = await worker()
    await a.write('-a', message(1) + message(2))
    const lease = await SessionLease.acquire(leaseContext(a.context), SESSION)
    await a.context.homes.record(SESSION, '-a')
    const mirror = new SessionMirror(a.context, lease, {homeKey: '-a', sessionId: SESSION}, {projectKey: '-a'})
    await mirror.begin()
    expect(await mirror.finish()).toMatchObject({complete: true})
    await lease.release()
    await a.write('-b', message(1) + message('other'))
    await expect(pushSession(a.context, await copyOf(a, '-b'))).rejects.toMatchObject({code: 'SESSION_DIVERGED'})
    await writeFile(a.pathOf('-a'), message(2))
    expect((await pushSession(a.context, await copyOf(a, '-a'))).action).toBe('replaced')
  })
})
