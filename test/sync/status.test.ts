import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {LeasedTranscript} from '../../src/store/leased-transcript.js'
import {leaseContext, writeContext} from '../../src/sync/context.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {statusOf} from '../../src/sync/status.js'
import {discoverSessions} from '../../src/transcript/discover.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

function newStore(): MeteredObjectStore {
  return new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
}

async function status(worker: SyncWorker) {
  const {sessions} = await discoverSessions(worker.configDir)
  return statusOf(worker.context, sessions, {processes: worker.processes, concurrency: 4})
}

describe('may this worker die?', () => {
  test('stored and not stored, by entries and bytes; nothing is written', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store)
    await a.write('-a', message(1))
    await a.write('-a', message('s'), SESSION, 'subagents/agent-x')
    const bytes = (message(1) + message('s')).length
    expect(await status(a)).toMatchObject({
      sessions: [{sessionId: SESSION, state: 'unstored', unstoredEntries: 2, unstoredBytes: bytes, tornBytes: 0}],
      totals: {sessions: 1, states: {unstored: 1}, unstoredEntries: 2, unstoredBytes: bytes},
      allStored: false,
    })
    expect(store.totals().requests).toMatchObject({put: 0, copy: 0, delete: 0})
    await pushSession(a.context, await a.session())
    expect(await status(a)).toMatchObject({sessions: [{state: 'stored', unstoredBytes: 0}], allStored: true})
    await a.write('-a', `${message(1)}${message(2)}{"torn`)
    expect((await status(a)).sessions).toMatchObject([
      {state: 'unstored', unstoredEntries: 1, unstoredBytes: message(2).length, tornBytes: 6},
    ])
  })

  test('a torn last line is said and is no entry', async () => {
    await using a = await SyncWorker.start(newStore())
    await a.write('-a', `${message(1)}{"torn`)
    await pushSession(a.context, await a.session())
    expect(await status(a)).toMatchObject({sessions: [{state: 'stored', tornBytes: 6}], allStored: true})
  })

  test('an output that the transcript refers to counts too', async () => {
    await using a = await SyncWorker.start(newStore())
    await a.write('-a', message(1))
    await pushSession(a.context, await a.session())
    const dir = join(a.configDir, 'projects', '-a', SESSION, 'tool-results')
    await mkdir(dir, {recursive: true})
    await writeFile(join(dir, 'long.txt'), 'output')
    expect((await status(a)).sessions).toMatchObject([{state: 'unstored', unstoredEntries: 0, unstoredBytes: 6}])
    await pushSession(a.context, await a.session())
    expect((await status(a)).allStored).toBe(true)
  })

  test('behind is stored; diverged is not', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1))
    await pushSession(a.context, await a.session())
    await pullSession(b.context, SESSION, {projectKey: '-b', processes: b.processes})
    await b.write('-b', message(1) + message('b'))
    await pushSession(b.context, await b.session())
    expect(await status(a)).toMatchObject({sessions: [{state: 'behind'}], allStored: true})
    await a.write('-a', message(1) + message('a'))
    expect(await status(a)).toMatchObject({
      sessions: [{state: 'diverged', unstoredEntries: 1, unstoredBytes: message('a').length}],
      allStored: false,
    })
  })

  test('parts of a holder that was cut off are not safe before its successor has looked', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write('-a', message(1))
    const first = await SessionLease.acquire(leaseContext(a.context), SESSION)
    const ref = {homeKey: '-a', sessionId: SESSION}
    await a.context.homes.settle(SESSION, '-a')
    const transcript = new LeasedTranscript(writeContext(a.context), first, ref)
    await transcript.settle()
    await transcript.rebase({
      length: message(1).length,
      async *read(start, end) {
        yield Buffer.from(message(1)).subarray(start, end)
      },
    })
    expect((await status(a)).sessions).toMatchObject([{state: 'stored'}])
    await SessionLease.acquire(leaseContext(b.context), SESSION, {force: true})
    expect(await status(a)).toMatchObject({sessions: [{state: 'unassured'}], allStored: false})
  })

  test('many that are unchanged cost listings alone', async () => {
    const store = newStore()
    await using a = await SyncWorker.start(store)
    for (let each = 0; each < 30; each++) {
      await a.write('-a', message(each), `${String(each).padStart(8, '0')}-2222-4333-8444-555555555555`)
    }
    for (const session of (await discoverSessions(a.configDir)).sessions) await pushSession(a.context, session)
    const before = store.totals().requests
    expect((await status(a)).totals.states).toEqual({stored: 30})
    expect(store.totals().requests).toEqual({...before, list: before.list + 2})
  })

  test('a session that a claude has open is said to be live', async () => {
    await using a = await SyncWorker.start(newStore())
    await a.write('-a', message(1))
    await mkdir(join(a.configDir, 'sessions'), {recursive: true})
    const note = {pid: process.pid, sessionId: SESSION, cwd: '/'}
    await writeFile(join(a.configDir, 'sessions', `${process.pid}.json`), JSON.stringify(note))
    expect(await status(a)).toMatchObject({sessions: [{livePid: process.pid}], totals: {live: 1}})
  })
})
