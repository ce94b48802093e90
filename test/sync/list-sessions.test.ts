import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {arrangeSessions} from '../../src/sync/arrange-sessions.js'
import {listLocal} from '../../src/sync/list-local.js'
import {type ListedSession, listStored} from '../../src/sync/list-sessions.js'
import {pushSession} from '../../src/sync/push-session.js'
import {FileSummaryCache, type SummaryCache} from '../../src/sync/summary-cache.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const OTHER = '22222222-2222-4333-8444-555555555555'
const noCache: SummaryCache = {read: async () => new Map(), write: async () => undefined}

async function putForeign(store: ObjectStore, key: string, ...lines: string[]): Promise<void> {
  for (const [at, line] of lines.entries()) {
    const name = `part-170000000000${at}-abcdef.jsonl`
    await store.put(`${key}/${name}`, Buffer.from(line), {mode: {type: 'create'}})
  }
}

async function storesToTry(root: string): Promise<ObjectStore[]> {
  return [
    new MemoryObjectStore({clock: systemClock}),
    new FileObjectStore({directory: join(root, 'store'), clock: systemClock, random: systemRandom}),
  ]
}

describe('what a store holds', () => {
  test('is told by summaries, and by parts where others wrote', async () => {
    const root = await mkdtemp(join(tmpdir(), 'reprise-ls-'))
    for (const store of await storesToTry(root)) {
      await using a = await SyncWorker.start(store, 'a')
      await a.write('-a', message(1, 'first words') + message(2))
      await pushSession(a.context, await a.session(), {task: 'T'})
      await putForeign(store, `-old/${OTHER}`, message(1), message(2))
      await putForeign(store, `-old/${OTHER}/subagents/agent-x`, message(3))
      await putForeign(store, '-old/no-session', message(4))
      const rows = (await listStored(store, noCache)).toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
      expect(rows).toEqual([
        {
          sessionId: SESSION,
          projectKey: '-a',
          agent: 'claude',
          task: 'T',
          firstPrompt: 'first words',
          machine: 'a',
          entries: 2,
          messages: 2,
          bytes: (message(1, 'first words') + message(2)).length,
          parts: 1,
          store: store.url,
          source: 'store',
        },
        {
          sessionId: OTHER,
          projectKey: '-old',
          agent: 'claude',
          bytes: (message(1) + message(2)).length,
          parts: 2,
          createdAt: expect.any(String),
          updatedAt: expect.any(String),
          store: store.url,
          source: 'store',
        },
      ])
    }
    await rm(root, {recursive: true})
  })

  test('is read again only where it changed', async () => {
    const store = new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
    await using a = await SyncWorker.start(store)
    const cache = new FileSummaryCache(join(a.root, 'cache'), store.url)
    await a.write('-a', message(1))
    await a.write('-a', message(1), OTHER)
    for (const id of [SESSION, OTHER]) await pushSession(a.context, await a.session(id))
    const gets = async () => {
      const before = store.totals().requests.get
      const rows = await listStored(store, cache)
      return {read: store.totals().requests.get - before, rows}
    }
    const first = await gets()
    expect(first.read).toBe(2)
    expect(await gets()).toEqual({read: 0, rows: first.rows})
    await a.write('-a', message(1) + message(2), OTHER)
    await pushSession(a.context, await a.session(OTHER))
    const third = await gets()
    expect(third.read).toBe(1)
    expect(third.rows.find(({sessionId}) => sessionId === OTHER)?.entries).toBe(2)
    expect(await readdir(join(a.root, 'cache', 'summaries'))).toHaveLength(1)
  })

  test('a summary whose session is gone is no session', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(1))
    await pushSession(a.context, await a.session())
    const keys: string[] = []
    for await (const page of store.list({prefix: '-a/'})) keys.push(...page.objects.map(({key}) => key))
    await store.delete(keys)
    expect(await listStored(store, noCache)).toEqual([])
  })
})

test('what is on this machine is listed from its files, stored or not', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  await using a = await SyncWorker.start(store)
  await a.write('-a', message(1, 'stored'))
  await pushSession(a.context, await a.session())
  await a.write('-b', `${message(1, 'not stored')}{"torn`, OTHER)
  const rows = await listLocal(a.configDir, a.context.state, a.context.uid)
  expect(rows).toMatchObject([
    {sessionId: SESSION, projectKey: '-a', firstPrompt: 'stored', entries: 1, source: 'local', path: a.pathOf('-a')},
    {sessionId: OTHER, projectKey: '-b', firstPrompt: 'not stored', entries: 1, path: a.pathOf('-b', OTHER)},
  ])
})

function row(sessionId: string, more: Partial<ListedSession> = {}): ListedSession {
  return {sessionId, projectKey: '-p', agent: 'claude', source: 'store', ...more}
}

describe('arranging', () => {
  const rows = [
    row('a', {updatedAt: '2026-01-01T00:00:00.000Z', bytes: 3, title: 'Zebra', machine: 'm1'}),
    row('b', {updatedAt: '2026-01-03T00:00:00.000Z', bytes: 1, firstPrompt: 'find the Invoice', cwd: '/srv/shop'}),
    row('c', {bytes: 2, task: 'T', title: 'apple'}),
  ]
  const ids = (arrangement: Parameters<typeof arrangeSessions>[1]) =>
    arrangeSessions(rows, arrangement)
      .map(({sessionId}) => sessionId)
      .join('')

  test.each([
    ['last active first, unknown last', {}, 'bac'],
    ['by size', {sort: 'size'}, 'acb'],
    ['by title', {sort: 'title'}, 'acb'],
    ['limited', {limit: 1}, 'b'],
    ['since', {since: Date.parse('2026-01-02T00:00:00Z')}, 'b'],
    ['by text, whatever its case', {grep: 'INVOICE'}, 'b'],
    ['by project', {project: '/srv/shop'}, 'b'],
    ['by task', {task: 'T'}, 'c'],
    ['by machine', {machine: 'm1'}, 'a'],
    ['by another agent', {agent: 'codex'}, ''],
  ] as const)('%s', (_, arrangement, expected) => {
    expect(ids(arrangement)).toBe(expected)
  })
})
