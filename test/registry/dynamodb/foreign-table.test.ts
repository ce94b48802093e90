import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../../src/base/system.js'
import type {Entry} from '../../../src/registry/registry.js'
import {SessionLease} from '../../../src/registry/session-lease.js'
import {startDynalite} from '../../support/dynamodb/dynalite.js'
import {openIn} from '../../support/dynamodb/suites.js'
import {clientOf, createTable} from '../../support/dynamodb/tables.js'

const SESSION = '00000000-0000-4000-8000-000000000001'
const OTHER = '00000000-0000-4000-8000-000000000002'

type Item = Record<string, AttributeValue>

/** An item as the fleet that owns the table has it. */
const FOREIGN: Item = {
  task_id: {S: 'T'},
  session_id: {S: 'compute-session-7'},
  status: {S: 'RUNNING'},
  user_id: {S: 'u'},
  labels: {SS: ['a', 'b']},
  result: {NULL: true},
  ttl: {N: '4102444800'},
}

let server: Awaited<ReturnType<typeof startDynalite>>
let client: DynamoDBClient
let table: string

beforeAll(async () => {
  server = await startDynalite()
  client = clientOf(server)
})
afterAll(async () => {
  client.destroy()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  table = await createTable(server)
})

const put = async (Item: Item) => client.send(new PutItemCommand({TableName: table, Item}))
const read = async (key: string) =>
  (await client.send(new GetItemCommand({TableName: table, Key: {task_id: {S: key}}, ConsistentRead: true}))).Item
const keys = async () =>
  ((await client.send(new ScanCommand({TableName: table}))).Items ?? []).flatMap(({task_id}) => task_id?.S ?? [])

function ours(item: Item | undefined): string[] {
  return Object.keys(item ?? {}).filter((name) => name.startsWith('reprise_') || name === 'claude_session_id')
}

function foreign(item: Item | undefined): Item {
  const names = new Set(ours(item))
  return Object.fromEntries(Object.entries(item ?? {}).filter(([name]) => !names.has(name)))
}

async function listed(entries: AsyncIterable<Entry>): Promise<string[]> {
  const ids: string[] = []
  for await (const {kind, id} of entries) ids.push(`${kind} ${id}`)
  return ids.toSorted()
}

describe('in a table that a fleet has already', () => {
  test('a task is the item that is there, and its own attributes stay as they are', async () => {
    await put(FOREIGN)
    const {registry} = await openIn(server, table, {ttlDays: 30})
    expect(await registry.find('task', 'T')).toBeUndefined()
    const link = {kind: 'task', id: 'T', sessionId: SESSION} as const
    await registry.assign({...link, status: 'running', git: {branch: 'b'}}, {mode: 'create'})
    expect(foreign(await read('T'))).toEqual(FOREIGN)
    await registry.assign({...link, status: 'ended'}, {mode: 'append'})
    await registry.assign({...link, sessionId: OTHER}, {mode: 'append'})
    expect(await read('T')).toMatchObject({...FOREIGN, claude_session_id: {S: OTHER}})
    expect((await registry.find('task', 'T'))?.status).toBeUndefined()
    await registry.unlink('task', 'T')
    const left = await read('T')
    expect(left).toMatchObject(FOREIGN)
    expect(ours(left)).not.toContain('claude_session_id')
  })

  test('what the fleet changes in between is no conflict, and is not undone', async () => {
    await put(FOREIGN)
    const {registry} = await openIn(server, table)
    await registry.assign({kind: 'task', id: 'T', sessionId: SESSION}, {mode: 'create'})
    await client.send(
      new UpdateItemCommand({
        TableName: table,
        Key: {task_id: {S: 'T'}},
        UpdateExpression: 'SET #s = :s REMOVE labels',
        ExpressionAttributeNames: {'#s': 'status'},
        ExpressionAttributeValues: {':s': {S: 'DONE'}},
      }),
    )
    await registry.assign({kind: 'task', id: 'T', sessionId: SESSION, status: 'ended'}, {mode: 'append'})
    const item = await read('T')
    expect([item?.['status'], item?.['labels'], item?.['reprise_status']]).toEqual([
      {S: 'DONE'},
      undefined,
      {S: 'ended'},
    ])
  })

  test('names, leases and marks stand beside tasks; only items that name a session are looked at for listings', async () => {
    for (let n = 0; n < 30; n++) await put({...FOREIGN, task_id: {S: `other-${n}`}})
    const {registry, leases} = await openIn(server, table)
    await registry.assign({kind: 'task', id: 'T', sessionId: SESSION}, {mode: 'create'})
    await registry.assign({kind: 'name', id: 'T', sessionId: SESSION}, {mode: 'create'})
    await acquire(leases, SESSION)
    const added = (await keys()).filter((key) => !key.startsWith('other-'))
    expect(new Set(added)).toEqual(new Set(['T', `chain#${SESSION}`, 'name#T', `session#${SESSION}`]))
    expect(await listed(registry.list())).toEqual(['name T', 'task T'])
    const held = []
    for await (const {sessionId} of leases.list()) held.push(sessionId)
    expect(held).toEqual([SESSION])
  })

  test('a task whose id looks like one of our own items is not taken for it', async () => {
    const {registry, leases} = await openIn(server, table)
    const ids = [`session#${SESSION}`, 'name#x', `chain#${SESSION}`, 'task#x', 'a#b']
    for (const id of ids) await registry.assign({kind: 'task', id, sessionId: SESSION}, {mode: 'create'})
    await registry.assign({kind: 'name', id: 'x', sessionId: OTHER}, {mode: 'create'})
    await acquire(leases, SESSION)
    for (const id of ids) expect(await registry.find('task', id)).toMatchObject({id, sessionId: SESSION})
    expect(await registry.findBySession(SESSION)).toHaveLength(ids.length)
    expect(await read('a#b')).toBeDefined()
  })

  test('a session that another program has set is the link of that task, and is not overwritten', async () => {
    await put({...FOREIGN, claude_session_id: {S: SESSION}})
    const {registry} = await openIn(server, table)
    expect(await registry.find('task', 'T')).toMatchObject({sessionId: SESSION, earlier: []})
    expect(await registry.findBySession(SESSION)).toMatchObject([{id: 'T'}])
    const link = {kind: 'task', id: 'T', sessionId: OTHER} as const
    await expect(registry.assign(link, {mode: 'create'})).rejects.toMatchObject({code: 'TASK_TAKEN'})
    expect(await registry.assign(link, {mode: 'append'})).toMatchObject({sessionId: OTHER, earlier: [SESSION]})
    expect(await registry.findBySession(OTHER)).toMatchObject([{id: 'T'}])
  })

  test.each<[string, Item]>([
    ['a session that is a flag', {claude_session_id: {S: '--dangerously-skip-permissions'}}],
    ['a session that is no text', {claude_session_id: {S: SESSION}, reprise_version: {N: '2'}}],
    ['members of another kind', {reprise_version: {N: '1'}, reprise_kind: {S: 'task'}, reprise_cwd: {L: []}}],
    ['what is no task', {reprise_version: {N: '1'}, reprise_kind: {S: 'lease'}, claude_session_id: {S: SESSION}}],
  ])('%s is refused by name and left out of listings', async (_, attributes) => {
    await put({task_id: {S: 'T'}, ...attributes})
    const {registry} = await openIn(server, table)
    const refusal = {code: 'REGISTRY_DAMAGED', kind: 'bad-data'}
    await expect(registry.find('task', 'T')).rejects.toMatchObject(refusal)
    const link = {kind: 'task', id: 'T', sessionId: OTHER} as const
    await expect(registry.assign(link, {mode: 'move'})).rejects.toMatchObject(refusal)
    expect(await listed(registry.list())).toEqual([])
    expect(await registry.findBySession(SESSION)).toEqual([])
  })

  test('a damaged lease record is refused and left out of the list', async () => {
    await put({
      task_id: {S: `session#${SESSION}`},
      claude_session_id: {S: SESSION},
      reprise_revision: {S: 'x'},
      reprise_epoch: {S: 'one'},
    })
    const {leases} = await openIn(server, table)
    await expect(leases.read(SESSION)).rejects.toMatchObject({code: 'LEASE_DAMAGED', kind: 'bad-data'})
    for await (const {sessionId} of leases.list()) expect.unreachable(sessionId)
  })
})

const at = (now: number) => ({...systemClock, now: () => now})

describe('ttl', () => {
  const link = {kind: 'task', id: 'T', sessionId: SESSION} as const
  const DAY = 86_400

  test('is left alone unless it is asked for', async () => {
    const {registry} = await openIn(server, table)
    await registry.assign(link, {mode: 'create'})
    expect((await read('T'))?.['ttl']).toBeUndefined()
  })

  test('is whole seconds, and moves on with each change', async () => {
    const first = await openIn(server, table, {ttlDays: 2, clock: at(1_000_999)})
    await first.registry.assign(link, {mode: 'create'})
    expect((await read('T'))?.['ttl']).toEqual({N: String(1_000 + 2 * DAY)})
    const later = await openIn(server, table, {ttlDays: 2, clock: at(5_000_000)})
    await later.registry.assign(link, {mode: 'append'})
    expect((await read('T'))?.['ttl']).toEqual({N: String(5_000 + 2 * DAY)})
  })

  test('that somebody else has set or changed stays', async () => {
    await put(FOREIGN)
    const {registry} = await openIn(server, table, {ttlDays: 2})
    await registry.assign(link, {mode: 'create'})
    await registry.assign(link, {mode: 'append'})
    expect((await read('T'))?.['ttl']).toEqual(FOREIGN['ttl'])
  })

  test('is never set for leases and marks', async () => {
    const {registry, leases} = await openIn(server, table, {ttlDays: 2})
    await registry.assign(link, {mode: 'create'})
    await acquire(leases, SESSION)
    for (const key of [`session#${SESSION}`, `chain#${SESSION}`]) expect((await read(key))?.['ttl']).toBeUndefined()
  })
})

test('a dry run writes nothing', async () => {
  const {registry, leases} = await openIn(server, table, {dryRun: true})
  await registry.assign({kind: 'task', id: 'T', sessionId: SESSION}, {mode: 'create'})
  await leases.write(SESSION, (await recordOf(SESSION)).record, undefined)
  expect(await keys()).toEqual([])
})

async function recordOf(sessionId: string) {
  const elsewhere = await openIn(server, await createTable(server))
  await acquire(elsewhere.leases, sessionId)
  const found = await elsewhere.leases.read(sessionId)
  if (!found) throw new Error('it was just written')
  return found
}

function acquire(leases: Awaited<ReturnType<typeof openIn>>['leases'], sessionId: string): Promise<SessionLease> {
  const owner = {machine: 'm', boot: 'b', pidNamespace: 'n', pid: 1, start: 's'}
  return SessionLease.acquire({table: leases, clock: systemClock, random: systemRandom, owner}, sessionId)
}
