import {randomUUID} from 'node:crypto'
import {afterAll, afterEach, beforeAll, beforeEach, expect, test, vi} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {createSessionStore} from '../../src/library/session-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {readStoreRecord} from '../../src/store/probe.js'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {FaultProxy} from '../support/dynamodb/fault-proxy.js'
import {openIn} from '../support/dynamodb/suites.js'
import {createTable} from '../support/dynamodb/tables.js'

let server: Awaited<ReturnType<typeof startDynalite>>
let proxy: FaultProxy
let table: string

beforeAll(async () => {
  server = await startDynalite()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  proxy = await FaultProxy.start(server)
  proxy.aheadMs = 7_200_000
  table = await createTable(server)
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', proxy.server.endpoint)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await proxy[Symbol.asyncDispose]()
})

const entry = () => ({type: 'user', uuid: randomUUID()})

function open(objectStore: MemoryObjectStore, registry = `dynamodb://${table}`) {
  const s3 = {region: 'us-east-1', credentials: server.credentials}
  return createSessionStore({objectStore}, {lease: true, registry, s3, compactAt: 0})
}

test('a session store holds leases in a table; appends at once share renewals', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  const key = {projectKey: '-work', sessionId: randomUUID()}
  const a = open(store)
  await a.append(key, [entry()])
  expect(await readStoreRecord(store)).toMatchObject({registry: `dynamodb://${table}?region=us-east-1`})
  const {leases} = await openIn(server, table)
  expect((await leases.read(key.sessionId))?.record).toMatchObject({epoch: 1, released: false})

  await using other = open(store)
  await expect(other.append(key, [entry()])).rejects.toMatchObject({code: 'LEASE_HELD'})
  await using misled = open(store, 'store')
  await expect(misled.append(key, [entry()])).rejects.toMatchObject({code: 'REGISTRY_MISMATCH'})

  await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => a.append({...key, subpath: `subagents/agent-${name}`}, [entry()])),
  )
  proxy.requests.length = 0
  const parts = ['a', 'b', 'c', 'd'].map(async (name) =>
    a.append({...key, subpath: `subagents/agent-${name}`}, [entry()]),
  )
  await Promise.all(parts)
  const renewals = proxy.requests.filter(({operation}) => operation === 'UpdateItem').length
  expect(renewals).toBeGreaterThanOrEqual(1)
  expect(renewals).toBeLessThan(4)
  await a.close()
  expect((await leases.read(key.sessionId))?.record.released).toBe(true)
})

test('a registry that is none is refused before anything is sent', () => {
  const store = new MemoryObjectStore({clock: systemClock})
  expect(() => open(store, 'postgres://x')).toThrow(expect.objectContaining({code: 'REGISTRY_INVALID'}))
})
