import {appendFile} from 'node:fs/promises'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {sha256Hex} from '../../src/base/hash.js'
import {silentProgress} from '../../src/base/progress.js'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {LeasedTranscript} from '../../src/store/leased-transcript.js'
import {writeContext} from '../../src/sync/context.js'
import {holdSession} from '../../src/sync/hold-session.js'
import {listLeases} from '../../src/sync/list-leases.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushMany} from '../../src/sync/push-many.js'
import {pushSession} from '../../src/sync/push-session.js'
import {releaseLease} from '../../src/sync/release-lease.js'
import {statusOf} from '../../src/sync/status.js'
import {discoverSessions} from '../../src/transcript/discover.js'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {FaultProxy} from '../support/dynamodb/fault-proxy.js'
import {openIn} from '../support/dynamodb/suites.js'
import {createTable} from '../support/dynamodb/tables.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const REF = {homeKey: '-a', sessionId: SESSION}
const HOURS = 3_600_000

let server: Awaited<ReturnType<typeof startDynalite>>
let proxy: FaultProxy
let table: string
let store: MemoryObjectStore

beforeAll(async () => {
  server = await startDynalite()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  proxy = await FaultProxy.start(server)
  table = await createTable(server)
  store = new MemoryObjectStore({clock: systemClock})
})
afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
})

/** A machine whose leases are kept in the table, and its parts in the store. */
async function startWorker(machine: string): Promise<SyncWorker> {
  const worker = await SyncWorker.start(store, machine)
  const {leases} = await openIn(proxy.server, table)
  return Object.assign(worker, {context: {...worker.context, leases}})
}

const approve = async () => true

async function stored({context}: SyncWorker): Promise<string> {
  let text = ''
  for await (const chunk of context.parts.store.list({prefix: '-a/'})) {
    for (const {key} of chunk.objects) {
      for await (const bytes of (await context.parts.store.get(key)).body) text += Buffer.from(bytes).toString()
    }
  }
  return text
}

async function transcriptOf(worker: SyncWorker) {
  const lease = await holdSession(worker.context, SESSION, {force: true})
  await worker.context.homes.settle(SESSION, '-a')
  const transcript = new LeasedTranscript(writeContext(worker.context), lease, REF)
  await transcript.settle()
  return {lease, transcript}
}

const status = async (worker: SyncWorker) =>
  statusOf(worker.context, (await discoverSessions(worker.configDir)).sessions, {
    processes: worker.processes,
    concurrency: 4,
  })

const updates = () => proxy.requests.filter(({operation}) => operation === 'UpdateItem').length

describe.each([
  ['hours ahead of the store', 5 * HOURS],
  ['hours behind it', -5 * HOURS],
])('with a table whose clock is %s', (_, aheadMs) => {
  beforeEach(() => {
    proxy.aheadMs = aheadMs
  })

  test('a mirror stores and acknowledges, another worker goes on', async () => {
    await using a = await startWorker('a')
    await using b = await startWorker('b')
    await a.write('-a', message(1))
    const lease = await holdSession(a.context, SESSION)
    await a.context.homes.settle(SESSION, '-a')
    const mirror = new SessionMirror(a.context, lease, REF, {projectKey: '-a'})
    await mirror.settle()
    await mirror.begin()
    mirror.start(() => expect.unreachable('the lease is not lost'))
    await appendFile(a.pathOf('-a'), message(2))
    expect(await mirror.finish()).toMatchObject({complete: true})
    await lease.release()
    expect(await stored(a)).toBe(message(1) + message(2))
    await pullSession(b.context, SESSION, {projectKey: '-a', processes: b.processes})
    expect(await b.read('-a')).toBe(message(1) + message(2))
  })

  test('every acknowledgement costs a renewal after it, and one who was taken over gets none', async () => {
    await using a = await startWorker('a')
    await using b = await startWorker('b')
    const {transcript} = await transcriptOf(a)
    const before = updates()
    await transcript.append(tailOf(message(1)))
    expect(updates()).toBe(before + 1)
    await transcriptOf(b)
    await expect(transcript.append(tailOf(message(1), message(2)))).rejects.toMatchObject({code: 'LEASE_LOST'})
  })

  test('who holds it is refused to others until then by the clock of the table', async () => {
    await using a = await startWorker('a')
    await using b = await startWorker('b')
    await a.write('-a', message(1))
    await b.write('-a', message(1))
    await holdSession(a.context, SESSION)
    await expect(pushSession(b.context, await b.session())).rejects.toMatchObject({code: 'LEASE_HELD'})
    proxy.aheadMs += 61_000
    expect(await pushSession(b.context, await b.session())).toMatchObject({action: 'pushed'})
  })
})

test('what a cut-off holder stored is not safe before its successor has looked; a push settles it', async () => {
  await using a = await startWorker('a')
  await using b = await startWorker('b')
  await a.write('-a', message(1))
  const {transcript} = await transcriptOf(a)
  await transcript.append(tailOf(message(1)))
  expect((await status(a)).sessions).toMatchObject([{state: 'stored'}])
  const taken = await holdSession(b.context, SESSION, {force: true})
  expect((await status(a)).sessions).toMatchObject([{state: 'unassured'}])
  await taken.release()
  await pushSession(a.context, await a.session())
  expect((await status(a)).sessions).toMatchObject([{state: 'stored'}])
})

test('many unchanged sessions cost one batch of their own lease items, and nothing else of the table is read', async () => {
  await using a = await startWorker('a')
  const ids = Array.from({length: 20}, (_, n) => `${String(n).padStart(8, '0')}-2222-4333-8444-555555555555`)
  for (const id of ids) await a.write('-a', message(id), id)
  const {clock, random} = a.context
  const options = {concurrency: 4, progress: silentProgress, registry: new StoreRegistry({store, clock, random})}
  const push = async () => pushMany(a.context, (await discoverSessions(a.configDir)).sessions, options)
  await push()
  await holdSession(a.context, ids[3] ?? '')
  await push()
  proxy.requests.length = 0
  expect((await push()).totals.actions).toEqual({unchanged: 20})
  expect(proxy.requests.map(({operation}) => operation)).toEqual(['BatchGetItem'])
})

test('leases are listed and given back', async () => {
  await using a = await startWorker('a')
  await using b = await startWorker('b')
  const lease = await holdSession(a.context, SESSION)
  const [held] = await listLeases([b.context], {all: false})
  expect(held).toMatchObject({sessionId: SESSION, state: 'held', machine: 'a', epoch: 1})
  const refused = releaseLease(b.context, SESSION, {force: false, approve})
  await expect(refused).rejects.toMatchObject({code: 'LEASE_HELD', kind: 'conflict'})
  expect(await releaseLease(b.context, SESSION, {force: true, approve})).toMatchObject({action: 'released'})
  await expect(lease.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
  expect(await listLeases([b.context], {all: false})).toEqual([])
  expect(await listLeases([b.context], {all: true})).toMatchObject([{state: 'released', machine: 'b', epoch: 2}])
  expect((await b.context.leases?.read(SESSION))?.record.cutOff).toBe(1)
})

function tailOf(...lines: readonly string[]) {
  const whole = Buffer.from(lines.join(''))
  const body = Buffer.from(lines.at(-1) ?? '')
  return {to: whole.length, after: sha256Hex(whole), entries: 1, body}
}
