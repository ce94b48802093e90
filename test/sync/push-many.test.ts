import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {readSummary} from '../../src/store/summary-record.js'
import {leaseContext} from '../../src/sync/context.js'
import {inspectSecrets} from '../../src/sync/inspect-secrets.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {listStored} from '../../src/sync/list-sessions.js'
import {pushSession} from '../../src/sync/push-session.js'
import {pushMany, type PushManyOptions} from '../../src/sync/push-many.js'
import {selectLocal} from '../../src/sync/select-local.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

function newStore(): MeteredObjectStore {
  return new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
}

function idOf(number: number): string {
  return `${String(number).padStart(8, '0')}-2222-4333-8444-555555555555`
}

async function pushAll(worker: SyncWorker, options: Partial<PushManyOptions> = {}) {
  const {store, clock, random} = worker.context
  const registry = new StoreRegistry({store, clock, random})
  const sessions = await selectLocal(worker.context, registry, {named: [], projectKey: '', all: true})
  return pushMany(worker.context, sessions, {registry, progress: silentProgress, concurrency: 4, ...options})
}

function requests(store: MeteredObjectStore): number {
  return Object.values(store.totals().requests).reduce((sum, each) => sum + each, 0)
}

describe('many sessions', () => {
  test('unchanged ones cost their listings and nothing for each, under whatever home key they lie', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    for (let each = 0; each < 60; each++) await a.write(`-p${each % 3}`, message(each), idOf(each))
    const first = await pushAll(a)
    expect(first.totals).toMatchObject({sessions: 60, actions: {pushed: 60}, partsCreated: 60})
    for (let each = 0; each < 60; each++) {
      await pullSession(b.context, idOf(each), {projectKey: '-elsewhere', processes: b.processes})
    }
    await pushAll(b)
    for (const worker of [a, b]) {
      const before = requests(store)
      expect((await pushAll(worker)).totals.actions).toEqual({unchanged: 60})
      // Three project keys and the lease records.
      expect(requests(store) - before).toBeLessThanOrEqual(4)
    }
  })

  test('new ones cost three writes each: home key, part and summary', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    for (let each = 0; each < 40; each++) await a.write(`-p${each % 3}`, message(each), idOf(each))
    const {totals} = await pushAll(a, {concurrency: 16})
    expect(totals).toMatchObject({actions: {pushed: 40}, partsCreated: 40})
    expect(store.totals().requests).toMatchObject({put: 121, head: 0})
    const {list, get} = store.totals().requests
    expect(list + get).toBeLessThanOrEqual(16)
  })

  test('their summaries are listed without a request for each, and those that changed since are read', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    for (let each = 0; each < 30; each++) await a.write(`-p${each % 3}`, message(each, `prompt ${each}`), idOf(each))
    await pushAll(a)
    await a.write('-p1', message(7, 'prompt 7') + message(100), idOf(7))
    await pushSession(a.context, await a.session(idOf(7)))
    const noCache = {read: async () => new Map(), write: async () => undefined}
    const before = store.totals().requests.get
    const rows = await listStored(store, noCache)
    expect(store.totals().requests.get - before).toBe(2)
    expect(rows).toHaveLength(30)
    expect(rows.find(({sessionId}) => sessionId === idOf(7))).toMatchObject({firstPrompt: 'prompt 7', entries: 2})
    expect(rows.find(({sessionId}) => sessionId === idOf(8))).toMatchObject({firstPrompt: 'prompt 8', entries: 1})
  })

  test('what others have stored without a home key is found, and goes on where it lies', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    for (let each = 0; each < 8; each++) await a.write('-here', message(1), idOf(each))
    const foreign = `-there/${idOf(3)}/part-1700000000000-abcdef.jsonl`
    await store.put(foreign, Buffer.from(message(1)), {mode: {type: 'create'}})
    const {sessions} = await pushAll(a)
    expect(sessions.filter(({action}) => action === 'unchanged').map(({sessionId}) => sessionId)).toEqual([idOf(3)])
    expect(await a.context.homes.recorded(idOf(3))).toBe('-there')
    expect(await a.context.homes.recorded(idOf(2))).toBe('-here')
  })

  test('one that another machine stores meanwhile under another key goes on there', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    for (let each = 0; each < 6; each++) await a.write('-a', message(1) + message(2), idOf(each))
    await b.write('-b', message(1), idOf(4))
    // Between a's look and its first write.
    const versions = StoreLeaseTable.prototype.versions.bind(new StoreLeaseTable(store))
    const leases = Object.assign(new StoreLeaseTable(store), {
      versions: async () => {
        if ((await b.context.homes.recorded(idOf(4))) === undefined) await pushAll(b)
        return versions()
      },
    })
    const {store: own, clock, random} = a.context
    const registry = new StoreRegistry({store: own, clock, random})
    const sessions = await selectLocal(a.context, registry, {named: [], projectKey: '', all: true})
    const {totals} = await pushMany({...a.context, leases}, sessions, {
      registry,
      progress: silentProgress,
      concurrency: 4,
    })
    expect(totals).toMatchObject({actions: {pushed: 6}})
    expect(await a.context.homes.recorded(idOf(4))).toBe('-b')
    expect(await store.head(`-a/${idOf(4)}/`).catch(() => undefined)).toBeUndefined()
    const {parts} = await a.context.parts.list({homeKey: '-b', sessionId: idOf(4)})
    expect(parts).toHaveLength(2)
  })

  test('a session whose lease record changed is looked at once more, and then no more', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store)
    for (let each = 0; each < 6; each++) await a.write('-p', message(each), idOf(each))
    await pushAll(a)
    const lease = await SessionLease.acquire(leaseContext(a.context), idOf(3))
    await lease.release()
    const before = store.totals().requests.get
    expect((await pushAll(a)).totals.actions).toEqual({unchanged: 6})
    const between = store.totals().requests.get
    expect(between - before).toBe(1)
    expect((await pushAll(a)).totals.actions).toEqual({unchanged: 6})
    expect(store.totals().requests.get).toBe(between)
  })

  test('what another wrote after the common listing is not written over', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    for (let each = 0; each < 6; each++) await a.write('-p', message(each), idOf(each))
    await pushAll(a)
    await pullSession(b.context, idOf(0), {projectKey: '-b', processes: b.processes})
    await a.write('-p', message(0) + message('a'), idOf(0))
    await b.write('-b', message(0) + message('b'), idOf(0))
    const sessions = await selectLocal(a.context, registryOf(a), {named: [], projectKey: '', all: true})
    let raced = false
    const list = a.context.parts.list.bind(a.context.parts)
    a.context.parts.list = async (ref) => {
      if (!raced) {
        raced = true
        await pushAll(b)
      }
      return list(ref)
    }
    const {sessions: outcomes} = await pushMany(a.context, sessions, {
      registry: registryOf(a),
      progress: silentProgress,
      concurrency: 1,
    })
    expect(outcomes.find(({sessionId}) => sessionId === idOf(0))).toMatchObject({
      action: 'diverged',
      error: {kind: 'conflict', code: 'SESSION_DIVERGED'},
    })
  })

  test('one that diverged does not stop the others', async () => {
    await using workers = await diverged()
    const {a} = workers
    await a.write('-a', message('other'), idOf(7))
    const {sessions, totals} = await pushAll(a)
    expect(totals.actions).toEqual({pushed: 1, diverged: 1})
    expect(sessions.find(({sessionId}) => sessionId === SESSION)?.error).toMatchObject({code: 'SESSION_DIVERGED'})
  })

  test('a fork goes on under a new id, which is in its lines too; the origin stays as it is', async () => {
    await using workers = await diverged()
    const {a, store} = workers
    const original = await a.read('-a')
    const {sessions} = await pushAll(a, {fork: true})
    expect(sessions).toMatchObject([{sessionId: SESSION, action: 'forked'}])
    const forked = sessions[0]?.newSessionId ?? ''
    expect(forked).not.toBe(SESSION)
    expect((await pushAll(a, {fork: true})).sessions.find(({sessionId}) => sessionId === SESSION)).toMatchObject({
      action: 'forked',
      newSessionId: forked,
      bytesUploaded: 0,
    })
    expect(await a.read('-a')).toBe(original)
    const copy = await a.read('-a', forked)
    expect(copy).toContain(`"sessionId":"${forked}"`)
    expect(copy).not.toContain(SESSION)
    expect(copy).toBe(original.replaceAll(SESSION, forked))
    await using c = await SyncWorker.start(store, 'c')
    await pullSession(c.context, forked, {projectKey: '-c', processes: c.processes})
    expect(await c.read('-c', forked)).toBe(copy)
    expect(await c.read('-c', forked, 'subagents/agent-x')).toBe(message('sub'))
  })

  test('a session held by another worker is refused, and can be forked', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await a.write('-a', message(1))
    await pushAll(a)
    await using b = await SyncWorker.start(store, 'b')
    await SessionLease.acquire(leaseContext(b.context), SESSION)
    expect((await pushAll(a)).totals.actions).toEqual({unchanged: 1})
    await a.write('-a', message(1) + message(2))
    expect((await pushAll(a)).sessions[0]?.error).toMatchObject({kind: 'conflict', code: 'LEASE_HELD'})
    expect((await pushAll(a, {fork: true})).totals.actions).toEqual({forked: 1})
  })

  test('a dry run plans, and writes nothing to the store nor here', async () => {
    await using root = await SyncWorker.start(newStore(), 'root')
    const store = new MeteredObjectStore(
      new FileObjectStore({directory: join(root.root, 'store'), clock: systemClock, random: systemRandom}),
      {clock: systemClock},
    )
    await using a = await SyncWorker.start(store)
    for (let each = 0; each < 5; each++) await a.write('-p', message(each) + message('x'), idOf(each))
    const {totals} = await pushAll(a, {dryRun: true})
    const bytes = 5 * (message(1) + message('x')).length
    expect(totals).toMatchObject({actions: {pushed: 5}, bytesUploaded: bytes, entries: 10})
    expect(store.totals().requests).toMatchObject({put: 0, copy: 0, delete: 0})
    expect(await readdir(a.root)).toEqual(['.claude'])
  })

  test('a task and a name lead to the session, and stay in its summary', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(1))
    await pushAll(a)
    expect((await pushAll(a, {task: 'T-1', name: 'blue'})).totals.actions).toEqual({unchanged: 1})
    expect(await registryOf(a).find('task', 'T-1')).toMatchObject({sessionId: SESSION, homeKey: '-a', agent: 'claude'})
    expect(await registryOf(a).find('name', 'blue')).toMatchObject({sessionId: SESSION})
    await a.write('-a', message(1) + message(2))
    await pushAll(a)
    expect(await readSummary(store, SESSION)).toMatchObject({task: 'T-1', name: 'blue', entries: 2})
  })

  test('a task is for one session', async () => {
    await using a = await SyncWorker.start(newStore())
    for (const id of [1, 2]) await a.write('-a', message(1), idOf(id))
    await expect(pushAll(a, {task: 'T'})).rejects.toMatchObject({kind: 'usage', code: 'ONE_SESSION_NEEDED'})
  })

  test('secrets: told with rule and line and never the value, or a reason to upload nothing', async () => {
    const store = newStore()
    const secret = 'wJ4lrXUtnFEMI0K7MDENGbPxRfiCY2zAbCdEf9Gh'
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(1) + message(2, `AWS_SECRET_ACCESS_KEY=${secret}`))
    const blocked = await pushAll(a, {inspect: await inspectSecrets('block', () => {})})
    expect(blocked.sessions[0]?.error).toMatchObject({kind: 'bad-data', code: 'SECRETS_FOUND'})
    expect(blocked.sessions[0]?.error?.message).toContain('line 2')
    expect(JSON.stringify(blocked)).not.toContain(secret)
    expect(store.totals().bytesUp).toBeLessThan(100)
    const told: string[] = []
    await pushAll(a, {inspect: await inspectSecrets('warn', (text) => told.push(text))})
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/\.jsonl:2 /)
    expect(told[0]).not.toContain(secret)
  })

  test('metadata of a subagent that came later is stored too', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    for (let each = 0; each < 4; each++) await a.write('-a', message(each), idOf(each))
    await a.write('-a', message('s'), idOf(0), 'subagents/agent-x')
    await pushAll(a)
    const {writeFile} = await import('node:fs/promises')
    await writeFile(
      a.pathOf('-a', idOf(0), 'subagents/agent-x').replace(/jsonl$/, 'meta.json'),
      '{"agentType":"helper"}',
    )
    await pushAll(a)
    await using b = await SyncWorker.start(store, 'b')
    await pullSession(b.context, idOf(0), {projectKey: '-b', processes: b.processes})
    const meta = b.pathOf('-b', idOf(0), 'subagents/agent-x').replace(/jsonl$/, 'meta.json')
    expect(JSON.parse(await readFile(meta, 'utf8'))).toEqual({agentType: 'helper'})
  })
})

function registryOf({context}: SyncWorker): StoreRegistry {
  return new StoreRegistry(context)
}

/** Two machines that went on from the same message; b has pushed. */
async function diverged() {
  const store = newStore()
  const a = await SyncWorker.start(store, 'a')
  const b = await SyncWorker.start(store, 'b')
  await a.write('-a', `${JSON.stringify({type: 'user', uuid: 'u1', sessionId: SESSION})}\n`)
  await a.write('-a', message('sub'), SESSION, 'subagents/agent-x')
  await pushAll(a)
  await pullSession(b.context, SESSION, {projectKey: '-b', processes: b.processes})
  await a.write('-a', (await a.read('-a')) + message('a2'))
  await b.write('-b', (await b.read('-b')) + message('b2'))
  await pushAll(b)
  return {
    store,
    a,
    b,
    async [Symbol.asyncDispose]() {
      await a[Symbol.asyncDispose]()
      await b[Symbol.asyncDispose]()
    },
  }
}
