import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import type {Logger} from '../../../src/base/logger.js'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import {openDynamoRegistry} from '../../../src/registry/dynamodb/open.js'
import type {LeaseTable} from '../../../src/registry/lease-table.js'
import {SessionLease} from '../../../src/registry/session-lease.js'
import {startDynalite} from '../../support/dynamodb/dynalite.js'
import {FaultProxy} from '../../support/dynamodb/fault-proxy.js'
import {openIn} from '../../support/dynamodb/suites.js'
import {createTable, registryOptions} from '../../support/dynamodb/tables.js'

const SESSION = '00000000-0000-4000-8000-000000000001'
const LINK = {kind: 'task', id: 'T', sessionId: SESSION} as const
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`

let server: Awaited<ReturnType<typeof startDynalite>>
let proxy: FaultProxy
let table: string

/** Waits are told, not spent. */
const waits: number[] = []
const impatient = {...systemClock, sleep: async (ms: number) => void waits.push(ms)}

beforeAll(async () => {
  server = await startDynalite()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  waits.length = 0
  proxy = await FaultProxy.start(server)
  table = await createTable(server)
})
afterEach(async () => {
  await proxy[Symbol.asyncDispose]()
})

const open = async (options: Parameters<typeof openIn>[2] = {}) =>
  openIn(proxy.server, table, {clock: impatient, ...options})

function acquire(leases: LeaseTable, sessionId = SESSION): Promise<SessionLease> {
  const owner = {machine: 'm', boot: 'b', pidNamespace: 'n', pid: 1, start: 's'}
  return SessionLease.acquire({table: leases, clock: impatient, random: systemRandom, owner}, sessionId)
}

describe('tried again', () => {
  test.each(['ProvisionedThroughputExceededException', 'ThrottlingException', 'RequestLimitExceeded'])(
    '%s, with pauses',
    async (type) => {
      const {registry} = await open()
      proxy.script('UpdateItem', {type}, {type})
      proxy.script('GetItem', {type})
      await registry.assign(LINK, {mode: 'create'})
      expect(await registry.find('task', 'T')).toMatchObject({sessionId: SESSION})
      expect(waits.length).toBeGreaterThanOrEqual(3)
    },
  )

  test.each([
    ['a broken connection', 'reset'],
    ['a fault of the service', {type: 'InternalServerError', status: 500}],
    ['a write that meets a transaction', {type: 'TransactionConflictException'}],
  ] as const)('%s', async (_, fault) => {
    const {registry} = await open()
    proxy.script('UpdateItem', fault)
    expect(await registry.assign(LINK, {mode: 'create'})).toMatchObject({sessionId: SESSION})
  })

  test('an unlink whose answer was lost: it says what was linked all the same', async () => {
    const {registry} = await open()
    await registry.assign(LINK, {mode: 'create'})
    proxy.script('UpdateItem', 'lose-answer')
    expect(await registry.unlink('task', 'T')).toMatchObject(LINK)
    expect(await registry.find('task', 'T')).toBeUndefined()
  })

  test('a request of a machine whose clock is wrong, signed anew by the clock of the answer', async () => {
    const {registry} = await open({attempts: 1})
    proxy.aheadMs = 600_000
    proxy.script('GetItem', {type: 'InvalidSignatureException', message: 'Signature not yet current'})
    expect(await registry.find('task', 'T')).toBeUndefined()
    expect(proxy.requests).toHaveLength(2)
  })

  test('a request with credentials that have expired, when there are others', async () => {
    let given = 0
    const credentials = async () => ({...server.credentials, accessKeyId: `key${given++}`})
    const {registry} = await open({attempts: 1, credentials})
    proxy.script('GetItem', {type: 'ExpiredTokenException'})
    expect(await registry.find('task', 'T')).toBeUndefined()
    proxy.script('GetItem', {type: 'ExpiredTokenException'}, {type: 'ExpiredTokenException'})
    await expect(registry.find('task', 'T')).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  })

  test('no more often than was said', async () => {
    const {registry} = await open({attempts: 2})
    proxy.script('GetItem', ...Array.from({length: 5}, () => ({type: 'ThrottlingException'})))
    await expect(registry.find('task', 'T')).rejects.toMatchObject({code: 'STORE_THROTTLED', kind: 'unreachable'})
    expect(proxy.requests).toHaveLength(2)
  })

  test('items that a batch left out, and a batch that brought none', async () => {
    const {leases} = await open()
    const ids = Array.from({length: 120}, (_, n) => idOf(n))
    await acquire(leases, idOf(0))
    await acquire(leases, idOf(119))
    proxy.script('BatchGetItem', 'unprocessed', 'unprocessed')
    expect([...(await leases.versions(ids)).keys()]).toEqual([idOf(0), idOf(119)])
    expect(proxy.requests.filter(({operation}) => operation === 'BatchGetItem')).toHaveLength(4)
  })
})

describe('an answer that got lost', () => {
  test('of a link is no conflict with itself', async () => {
    const {registry} = await open()
    // The mark goes first.
    proxy.script('UpdateItem', 'lose-answer', 'lose-answer')
    expect(await registry.assign(LINK, {mode: 'create'})).toMatchObject({sessionId: SESSION, earlier: []})
    expect(await registry.findBySession(SESSION)).toHaveLength(1)
  })

  test('of an acquisition leaves the lease with who sent it', async () => {
    const {leases} = await open()
    proxy.script('UpdateItem', 'lose-answer')
    const lease = await acquire(leases)
    expect([lease.epoch, lease.created]).toEqual([1, true])
    proxy.script('UpdateItem', 'lose-answer')
    await lease.renew()
    proxy.script('UpdateItem', 'lose-answer')
    await lease.raiseAbove(4)
    // Its own first try landed; raised once more, it is above what was listed all the same.
    expect(lease.epoch).toBeGreaterThan(4)
    await lease.release()
    expect((await leases.read(SESSION))?.record).toMatchObject({released: true, epoch: lease.epoch})
  })
})

describe('said so that one can act on it', () => {
  test.each([
    ['AccessDeniedException', 'ACCESS_DENIED', 'permission', /dynamodb:GetItem/],
    ['UnrecognizedClientException', 'ACCESS_DENIED', 'permission', /credentials/],
    ['ExpiredTokenException', 'ACCESS_DENIED', 'permission', /aws sso login/],
    ['ResourceNotFoundException', 'TABLE_NOT_FOUND', 'not-found', /reprise init/],
    ['ValidationException', 'UNSUPPORTED', 'usage', undefined],
  ] as const)('%s is %s', async (type, code, kind, suggestion) => {
    const {registry} = await open()
    proxy.script('GetItem', {type, message: 'Secret: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'})
    const error = await registry.find('task', 'T').catch((reason: unknown) => reason)
    expect(error).toMatchObject({code, kind})
    const {message, suggestions} = error as {message: string; suggestions: readonly string[]}
    expect(message).not.toContain('wJalrXUtn')
    expect(suggestions.join('\n')).toMatch(suggestion ?? /^$/)
  })

  test('a table that is not there', async () => {
    const {registry} = await openIn(proxy.server, 'no-such-table')
    await expect(registry.find('task', 'T')).rejects.toMatchObject({code: 'TABLE_NOT_FOUND', kind: 'not-found'})
  })

  test('a table with another key', async () => {
    const other = await createTable(server, {
      AttributeDefinitions: [{AttributeName: 'id', AttributeType: 'S'}],
      KeySchema: [{AttributeName: 'id', KeyType: 'HASH'}],
      GlobalSecondaryIndexes: undefined,
    })
    const {registry, leases} = await openIn(proxy.server, other)
    const refusal = {code: 'TABLE_UNSUITABLE', kind: 'usage'}
    await expect(registry.find('task', 'T')).rejects.toMatchObject(refusal)
    await expect(registry.assign(LINK, {mode: 'create'})).rejects.toMatchObject(refusal)
    await expect(acquire(leases)).rejects.toMatchObject(refusal)
  })

  test('a table without the index: what was linked here is found, and a list says what is missing', async () => {
    const {registry, leases} = await open({index: 'another-index'})
    await registry.assign(LINK, {mode: 'create'})
    await registry.assign({...LINK, sessionId: idOf(2)}, {mode: 'append'})
    expect(await registry.findBySession(SESSION)).toHaveLength(1)
    const refusal = {code: 'INDEX_MISSING', kind: 'usage', message: expect.stringContaining('another-index')}
    await expect(registry.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal)
    await expect(leases.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal)
  })

  test('an index that is still being built: what was linked here is found', async () => {
    const {registry} = await open()
    await registry.assign(LINK, {mode: 'create'})
    const message = 'Cannot read from backfilling global secondary index: claude_session_id-index'
    proxy.script('Query', {type: 'ValidationException', message})
    expect(await registry.findBySession(SESSION)).toHaveLength(1)
    proxy.script('Scan', {type: 'ValidationException', message})
    const refusal = {code: 'INDEX_MISSING', message: expect.stringContaining('being built')}
    await expect(registry.list()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal)
  })

  test('a server that does not answer', async () => {
    await proxy[Symbol.asyncDispose]()
    const {registry} = await open({attempts: 1})
    const refusal = {
      code: 'STORE_UNREACHABLE',
      kind: 'unreachable',
      message: expect.stringContaining('nothing listens'),
    }
    await expect(registry.find('task', 'T')).rejects.toMatchObject(refusal)
  })

  test('answers without a date, on which no lease can be built', async () => {
    const {leases} = await open()
    proxy.script('GetItem', 'no-date')
    await expect(leases.read(SESSION)).rejects.toMatchObject({code: 'UNSUPPORTED'})
  })

  test.each([
    ['http://192.0.2.1:8000', false],
    ['http://169.254.169.254', true],
    ['https://key:secret@192.0.2.1', true],
  ])('%s is no endpoint, and named as that of DynamoDB', async (endpoint, insecure) => {
    const opened = openDynamoRegistry({...registryOptions(server, table), endpoint, insecure})
    const message = expect.stringMatching(/^The DynamoDB endpoint (?!.*secret)/)
    await expect(opened).rejects.toMatchObject({code: 'ENDPOINT_REFUSED', kind: 'usage', message})
  })
})

test('pages are read to their end', async () => {
  const {registry, leases} = await open()
  for (let n = 0; n < 30; n++) await registry.assign({kind: 'task', id: `T${n}`, sessionId: SESSION}, {mode: 'create'})
  await acquire(leases)
  await acquire(leases, idOf(2))
  proxy.pageSize = 4
  proxy.requests.length = 0
  expect(await registry.findBySession(SESSION)).toHaveLength(30)
  const ids = new Set<string>()
  for await (const {id} of registry.list()) ids.add(id)
  expect(ids.size).toBe(30)
  const held = new Set<string>()
  for await (const {sessionId} of leases.list()) held.add(sessionId)
  expect(held).toEqual(new Set([SESSION, idOf(2)]))
  const pages = proxy.requests.filter(({operation}) => operation === 'Query' || operation === 'Scan')
  expect(pages.length).toBeGreaterThan(20)
})

test('writes are conditional updates and marks, reads are of named attributes, and the log holds keys and no values', async () => {
  const lines: string[] = []
  const line = (message: string, fields?: object) => void lines.push(`${message} ${JSON.stringify(fields)}`)
  const logger: Logger = {enabled: true, debug: line, info: line, warn: line, error: line}
  const {registry, leases} = await open({logger})
  await registry.assign({...LINK, cwd: '/very/private'}, {mode: 'create'})
  await (await acquire(leases)).release()
  await registry.findBySession(SESSION)
  await registry.unlink('task', 'T')
  const operations = new Set(proxy.requests.map(({operation}) => operation))
  expect(operations).toEqual(new Set(['GetItem', 'UpdateItem', 'Query', 'BatchGetItem']))
  for (const {operation, body} of proxy.requests) {
    const isMark = JSON.stringify(body['Key'] ?? null).includes('chain#')
    const isConditional = body['ConditionExpression'] !== undefined
    expect(isConditional).toBe(operation === 'UpdateItem' && !isMark)
    expect(JSON.stringify(body).includes('"ProjectionExpression"')).toBe(operation !== 'UpdateItem')
    expect(body['TableName'] === undefined || body['TableName'] === table).toBe(true)
  }
  expect(lines.join('\n')).toContain('registry UpdateItem {"key":"T"')
  expect(lines.join('\n')).not.toContain('private')
})
