import {expect, test} from 'vitest'
import {silentLogger} from '../../src/base/logger.js'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {MirrorSessionStore} from '../../src/sdk/session-store.js'
import {compactTranscript} from '../../src/store/compact-transcript.js'
import {Parts} from '../../src/store/parts.js'
import {pushSession} from '../../src/sync/push-session.js'
import {SESSION, SyncWorker} from '../support/sync-worker.js'

const KEY = {projectKey: '-a', sessionId: SESSION}

function sessionsOf(objects: MemoryObjectStore, offsetMs: number): MirrorSessionStore {
  const clock = {now: () => systemClock.now() + offsetMs, sleep: systemClock.sleep.bind(systemClock)}
  return new MirrorSessionStore({
    open: async () => objects,
    clock,
    background: clock,
    random: systemRandom,
    logger: silentLogger,
    machine: String(offsetMs),
    projectKey: 'given',
    foldSummary: async () => undefined,
    observe: () => undefined,
    maxPendingBytes: 1e6,
    readLimitMs: 20_000,
    compactAt: 0,
  })
}

function said(uuid: string) {
  return {type: 'user', uuid}
}

async function idsOf(objects: MemoryObjectStore): Promise<unknown[]> {
  return ((await sessionsOf(objects, 0).load(KEY)) ?? []).map(({uuid}) => uuid)
}

test('who writes on without a lease, with a clock that is behind, comes after what it went on from, also after a rebase', async () => {
  const objects = new MemoryObjectStore({clock: systemClock})
  const store = sessionsOf(objects, -60_000)
  const one = {type: 'user', uuid: 'one', parentUuid: null}
  const two = {type: 'assistant', uuid: 'two', parentUuid: 'one'}
  const three = {type: 'user', uuid: 'three', parentUuid: 'two'}
  await store.append(KEY, [one])
  await store.append(KEY, [two])
  await using a = await SyncWorker.start(objects, 'a')
  const lines = [{type: 'api-request'}, one, two].map((each) => `${JSON.stringify(each)}\n`)
  await a.write('-a', lines.join(''))
  await pushSession(a.context, await a.session())
  await store.append(KEY, [three])
  expect(await idsOf(objects)).toEqual([undefined, 'one', 'two', 'three'])
})

test('a merge that carries the time of a clock that is ahead puts nobody before his own words', async () => {
  const objects = new MemoryObjectStore({clock: systemClock})
  const [a, b] = [sessionsOf(objects, 0), sessionsOf(objects, 600_000)]
  await a.append(KEY, [said('a1')])
  await a.append(KEY, [said('a2')])
  await b.append(KEY, [said('b1')])
  await b.append(KEY, [said('b2')])
  const context = {parts: new Parts(objects), machine: 'c'}
  await compactTranscript(context, {homeKey: '-a', sessionId: SESSION}, {growth: 1, grace: 0})
  await a.append(KEY, [said('a3')])
  expect(await idsOf(objects)).toEqual(['a1', 'a2', 'b1', 'b2', 'a3'])
})
