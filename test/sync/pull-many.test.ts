import {readdir} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {pullMany, type PullManyOptions} from '../../src/sync/pull-many.js'
import {pushSession} from '../../src/sync/push-session.js'
import {selectStored, type StoredSelection} from '../../src/sync/select-stored.js'
import {discoverSessions} from '../../src/transcript/discover.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

function newStore(): MeteredObjectStore {
  return new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
}

function idOf(number: number): string {
  return `${String(number).padStart(8, '0')}-2222-4333-8444-555555555555`
}

async function pull(
  {context, processes}: SyncWorker,
  selection: Partial<StoredSelection> = {},
  options: Partial<PullManyOptions> = {},
) {
  const here = (await discoverSessions(context.configDir)).sessions
  const wanted = {named: [], projectKey: '-b', all: false, ...selection}
  const sessions = await selectStored(context, new StoreRegistry(context), here, wanted)
  const projectKey = wanted.all ? undefined : wanted.projectKey
  const report = {progress: silentProgress, concurrency: 4, processes, projectKey}
  return pullMany(context, sessions, here, {...report, ...options})
}

async function pushAll(worker: SyncWorker) {
  for (const session of (await discoverSessions(worker.context.configDir)).sessions) {
    await pushSession(worker.context, session)
  }
}

describe('pulling many sessions', () => {
  test('all of them come under their home keys, byte for byte', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    for (let each = 0; each < 12; each++) await a.write(`-p${each % 3}`, message(each), idOf(each))
    await a.write('-p0', message('s'), idOf(0), 'subagents/agent-x')
    await pushAll(a)
    const {totals} = await pull(b, {all: true})
    expect(totals).toMatchObject({sessions: 12, actions: {pulled: 12}, entries: 13})
    for (let each = 0; each < 12; each++) expect(await b.read(`-p${each % 3}`, idOf(each))).toBe(message(each))
    expect((await pull(b, {all: true})).totals.actions).toEqual({unchanged: 12})
  })

  test('those of a cwd: stored from there, or lying there', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-b', message(1), idOf(1))
    await a.write('-other', message(2), idOf(2))
    await a.write('-other', message(3), idOf(3))
    await pushAll(a)
    await pull(b, {named: [idOf(2)]})
    await a.write('-other', message(2) + message('more'), idOf(2))
    await pushAll(a)
    expect((await pull(b)).sessions.map(({sessionId, projectKey}) => [sessionId, projectKey])).toEqual([
      [idOf(1), '-b'],
      [idOf(2), '-b'],
    ])
    expect(await b.read('-b', idOf(2))).toBe(message(2) + message('more'))
  })

  test('a session is found by task, name, id, and the beginning of an id', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await a.write('-a', message(1))
    await pushAll(a)
    const registry = new StoreRegistry(a.context)
    await registry.assign({kind: 'task', id: 'T 1', sessionId: SESSION}, {mode: 'create'})
    await registry.assign({kind: 'name', id: 'blue', sessionId: SESSION}, {mode: 'create'})
    for (const named of ['T 1', 'blue', SESSION, '1111', '11111111-2222']) {
      await using b = await SyncWorker.start(store, 'b')
      expect((await pull(b, {named: [named]})).totals.actions).toEqual({pulled: 1})
    }
  })

  test('a task wins over a name, and a name over the beginning of an id', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    for (const id of [1, 2, 3]) await a.write('-a', message(id), `abcd000${id}-2222-4333-8444-555555555555`)
    await pushAll(a)
    const registry = new StoreRegistry(a.context)
    const link = {sessionId: 'abcd0002-2222-4333-8444-555555555555'}
    await using b = await SyncWorker.start(store, 'b')
    await expect(pull(b, {named: ['abcd']})).rejects.toMatchObject({
      kind: 'usage',
      code: 'SESSION_AMBIGUOUS',
      details: {candidates: [1, 2, 3].map((id) => `abcd000${id}-2222-4333-8444-555555555555`)},
    })
    await registry.assign({kind: 'name', id: 'abcd', ...link}, {mode: 'create'})
    expect((await pull(b, {named: ['abcd']})).sessions[0]).toMatchObject(link)
    const other = {sessionId: 'abcd0003-2222-4333-8444-555555555555'}
    await registry.assign({kind: 'task', id: 'abcd', ...other}, {mode: 'create'})
    expect((await pull(b, {named: ['abcd']})).sessions[0]).toMatchObject(other)
  })

  test('a bucket of others has no records: its project keys are looked through', async () => {
    const store = newStore()
    await store.put(`-old/${SESSION}/part-1700000000000-abcdef.jsonl`, Buffer.from(message(1)), {
      mode: {type: 'create'},
    })
    await using b = await SyncWorker.start(store, 'b')
    expect((await pull(b, {named: ['1111']})).totals.actions).toEqual({pulled: 1})
    await expect(pull(b, {named: ['2222']})).rejects.toMatchObject({kind: 'not-found', code: 'SESSION_NOT_FOUND'})
    await expect(pull(b, {named: ['111']})).rejects.toMatchObject({code: 'SESSION_NOT_FOUND'})
  })

  test('one that fails does not stop the others', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-b', message(1), idOf(1))
    await pushAll(a)
    const {sessions, totals} = await pull(b, {named: [idOf(1), idOf(9)]})
    expect(totals.actions).toEqual({pulled: 1, failed: 1})
    expect(sessions[1]?.error).toMatchObject({kind: 'not-found', code: 'SESSION_NOT_FOUND'})
  })

  test('a fork keeps the local conversation under a new id, and then takes what is stored', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    const line = `${JSON.stringify({type: 'user', uuid: 'u1', sessionId: SESSION})}\n`
    await a.write('-a', line)
    await pushAll(a)
    await pull(b, {named: [SESSION]})
    await a.write('-a', line + message('a2'))
    await b.write('-b', line + message('b2'))
    await pushAll(a)
    expect((await pull(b, {named: [SESSION]})).totals.actions).toEqual({diverged: 1})
    expect((await pull(b, {named: [SESSION]}, {fork: true, dryRun: true})).totals.actions).toEqual({forked: 1})
    expect(await b.read('-b')).toBe(line + message('b2'))
    const {sessions} = await pull(b, {named: [SESSION]}, {fork: true})
    expect(sessions).toMatchObject([{action: 'forked'}])
    const kept = sessions[0]?.newSessionId ?? ''
    expect(await b.read('-b')).toBe(line + message('a2'))
    expect(await b.read('-b', kept)).toBe(line.replaceAll(SESSION, kept) + message('b2'))
    expect((await pull(b, {named: [SESSION]}, {fork: true})).totals.actions).toEqual({unchanged: 1})
  })

  test('a dry run writes nothing here', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-b', message(1))
    await pushAll(a)
    const {totals} = await pull(b, {}, {dryRun: true})
    expect(totals).toMatchObject({actions: {pulled: 1}, bytesDownloaded: message(1).length})
    expect(await readdir(b.configDir)).toEqual([])
    expect(await readdir(b.root)).toEqual(['.claude'])
  })
})
