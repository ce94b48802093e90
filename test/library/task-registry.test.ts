import {randomUUID} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect, onTestFinished, test, vi} from 'vitest'
import {RepriseError} from '../../src/base/errors.js'
import {createTaskRegistry, LazyRegistry} from '../../src/library/task-registry.js'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {createTable} from '../support/dynamodb/tables.js'

async function newStoreUrl(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'reprise-tasks-'))
  onTestFinished(async () => rm(directory, {recursive: true, force: true}))
  return `file://${directory}`
}

test('the registry of a store: what one program records another finds', async () => {
  const url = await newStoreUrl()
  const sessionId = randomUUID()
  await using writer = createTaskRegistry(url)
  await using reader = createTaskRegistry(url)
  expect(await reader.find('task', 'T')).toBeUndefined()
  await writer.assign({kind: 'task', id: 'T', sessionId, status: 'running'}, {mode: 'append'})
  const expected = {kind: 'task', id: 'T', sessionId, status: 'running'}
  expect(await reader.find('task', 'T')).toMatchObject(expected)
  expect(await reader.findBySession(sessionId)).toMatchObject([expected])
  const listed = []
  for await (const entry of reader.list()) listed.push(entry)
  expect(listed).toMatchObject([expected])
  expect(await reader.unlink('task', 'T')).toMatchObject(expected)
  expect(await writer.find('task', 'T')).toBeUndefined()
})

test('the same in a table of DynamoDB, found through the environment', async () => {
  await using server = await startDynalite()
  const table = await createTable(server)
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', server.endpoint)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const s3 = {region: 'us-east-1', credentials: server.credentials}
  const sessionId = randomUUID()
  await using writer = createTaskRegistry(`dynamodb://${table}?ttl=7d`, {s3, retries: 1, timeoutMs: 5_000})
  await using reader = createTaskRegistry(`dynamodb://${table}`, {s3})
  const link = {kind: 'task', id: 'T', sessionId, status: 'ended', costUsd: 0.42, durationMs: 1234} as const
  await writer.assign(link, {mode: 'append'})
  expect(await reader.find('task', 'T')).toMatchObject(link)
})

test('closing is idempotent, and needs no call before it', async () => {
  const registry = createTaskRegistry(await newStoreUrl())
  await registry.close()
  expect(await registry.find('task', 'T')).toBeUndefined()
  await registry.close()
  await registry.close()
})

test.each([
  ['gopher://bucket', 'STORE_URL_INVALID'],
  ['s3://bucket/{task}/', 'PLACEHOLDER_OPEN'],
  ['dynamodb://x', 'REGISTRY_INVALID'],
  ['dynamodb://table?colour=red', 'REGISTRY_INVALID'],
])('%s is refused when it is named', (url, code) => {
  const outcome = (() => {
    try {
      return createTaskRegistry(url)
    } catch (error) {
      return error instanceof RepriseError ? error.code : error
    }
  })()
  expect(outcome).toBe(code)
})

test('a registry that could not be opened is opened by the next call', async () => {
  const url = await newStoreUrl()
  let calls = 0
  const registry = new LazyRegistry(async () => {
    calls += 1
    if (calls === 1) throw new Error('no credentials yet')
    return {registry: createTaskRegistry(url), close: () => undefined}
  })
  const outcomes = await Promise.allSettled([registry.find('task', 'T'), registry.find('task', 'T')])
  expect(outcomes.map(({status}) => status)).toEqual(['rejected', 'rejected'])
  expect(await registry.find('task', 'T')).toBeUndefined()
  expect(calls).toBe(2)
})
