import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {createTable} from '../support/dynamodb/tables.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'

const SESSION = '10000000-0000-4000-8000-000000000000'
const ENDED = '20000000-0000-4000-8000-000000000000'

let cli: CliHome
let directory: string

beforeEach(async () => {
  cli = await makeCliHome()
  directory = join(cli.home, 'store')
})
afterEach(async () => {
  await cli[Symbol.asyncDispose]()
})

const json = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  cli.run([...argv, '--json'], {env: {REPRISE_STORE: pathToFileURL(directory).href, ...env}})

async function hold(sessionId: string, machine = 'builder-3'): Promise<SessionLease> {
  const table = new StoreLeaseTable(new FileObjectStore({directory, clock: systemClock, random: systemRandom}))
  const owner = {machine, boot: 'b', pidNamespace: 'n', pid: 41822, start: 's'}
  return SessionLease.acquire({table, clock: systemClock, random: systemRandom, owner}, sessionId)
}

describe('lease', () => {
  test('ls tells who holds what; what was given back only with --all', async () => {
    await hold(SESSION)
    await (await hold(ENDED, 'builder-4')).release()
    const held = {
      sessionId: SESSION,
      state: 'held',
      machine: 'builder-3',
      pid: 41822,
      epoch: 1,
      acquiredAt: expect.stringMatching(/^\d{4}-.*Z$/),
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    }
    expect((await json(['lease', 'ls'])).result()).toEqual({leases: [held]})
    const {leases} = (await json(['lease', 'ls', '--all'])).result() as {leases: unknown[]}
    expect(leases).toHaveLength(2)
    expect(leases).toContainEqual(expect.objectContaining({sessionId: ENDED, state: 'released', machine: 'builder-4'}))
    const text = await cli.run(['lease', 'ls', '--store', directory])
    expect(text.stdout).toMatch(/SESSION +STATE.*\n10000000-0000-4000-8000-000000000000 +held +builder-3 +41822 /)
  })

  test('where each task has a prefix, ls goes over all of them, and release finds the one that has the session', async () => {
    const env = {REPRISE_STORE: `${directory}/{task}`}
    const root = directory
    for (const [task, sessionId] of [
      ['T-1', SESSION],
      ['T-2', ENDED],
    ] as const) {
      directory = join(root, task)
      await mkdir(join(cli.home, '.claude/projects/-work'), {recursive: true})
      await writeFile(join(cli.home, `.claude/projects/-work/${sessionId}.jsonl`), '{"type":"mode"}\n')
      expect((await json(['push', sessionId, '--task', task], env)).exitCode).toBe(0)
      expect((await json(['link', task, sessionId], env)).exitCode).toBe(0)
      await hold(sessionId)
    }
    const held = async (...argv: string[]) => {
      const {leases} = (await json(['lease', 'ls', ...argv], env)).result() as {leases: {sessionId: string}[]}
      return leases.map(({sessionId}) => sessionId).toSorted((a, b) => (a < b ? -1 : 1))
    }
    expect(await held()).toEqual([SESSION, ENDED])
    expect(await held('--task', 'T-2')).toEqual([ENDED])
    const released = await json(['lease', 'release', 'T-1', '--force', '--yes'], env)
    expect(released.result()).toMatchObject({action: 'released', sessionId: SESSION})
    expect(await held()).toEqual([ENDED])
  })

  test('release: refused while its holder may be alive, asked for, and told to the holder', async () => {
    const lease = await hold(SESSION)
    const refused = await json(['lease', 'release', SESSION, '--yes'])
    expect([refused.exitCode, refused.error().code]).toEqual([4, 'LEASE_HELD'])
    expect(refused.error().suggestions.join('\n')).toContain('--force')
    const unasked = await json(['lease', 'release', SESSION, '--force'])
    expect([unasked.exitCode, unasked.error().code]).toEqual([2, 'INPUT_NEEDED'])
    await lease.renew()
    const released = await json(['lease', 'release', SESSION, '--force', '--yes'])
    expect(released.result()).toMatchObject({
      sessionId: SESSION,
      action: 'released',
      lease: {state: 'held', pid: 41822},
    })
    await expect(lease.renew()).rejects.toMatchObject({code: 'LEASE_LOST'})
    expect((await json(['lease', 'release', SESSION])).result()).toMatchObject({action: 'unchanged'})
    expect((await json(['lease', 'ls'])).result()).toEqual({leases: []})
  })

  test('a store with a prefix for each task may be told which', async () => {
    await hold(SESSION)
    const env = {REPRISE_STORE: `${pathToFileURL(cli.home).href}/{task}`}
    expect((await json(['lease', 'ls', '--task', 'store'], env)).result()).toMatchObject({
      leases: [{sessionId: SESSION}],
    })
    const released = await json(['lease', 'release', SESSION, '--force', '--yes'], {...env, REPRISE_TASK: 'store'})
    expect(released.result()).toMatchObject({action: 'released'})
  })

  test('release of what nobody has ever held', async () => {
    const run = await json(['lease', 'release', SESSION])
    expect([run.exitCode, run.error().code]).toEqual([3, 'LEASE_NOT_FOUND'])
  })
})

describe('with the registry in DynamoDB', () => {
  let server: Awaited<ReturnType<typeof startDynalite>>
  let registry: string

  beforeAll(async () => {
    server = await startDynalite()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    registry = `dynamodb://${await createTable(server)}`
    const projects = join(cli.home, '.claude/projects/-work')
    await mkdir(projects, {recursive: true})
    await writeFile(join(projects, `${SESSION}.jsonl`), `${JSON.stringify({type: 'user', uuid: 'a'})}\n`)
  })

  const environment = (): Record<string, string> => ({
    REPRISE_REGISTRY: registry,
    AWS_ENDPOINT_URL_DYNAMODB: server.endpoint,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  })
  const inTable = async (...argv: string[]) => json(argv, environment())

  test('a pushed task is found by it, and released leases are of the table', async () => {
    expect((await inTable('push', SESSION, '--task', 'T')).exitCode).toBe(0)
    expect((await inTable('link', 'a-name', SESSION, '--name')).exitCode).toBe(0)
    const pulled = await inTable('pull', 'a-name', '--to', join(cli.home, 'other'))
    expect(pulled.result()).toMatchObject({sessions: [{sessionId: SESSION, action: 'pulled'}]})
    expect((await inTable('lease', 'ls', '--all')).result()).toEqual({leases: []})
    expect((await inTable('unlink', 'T')).result()).toMatchObject({sessionId: SESSION})
  })

  test('a dry run writes nothing to it', async () => {
    await inTable('push', SESSION, '--task', 'T', '--dry-run')
    expect((await inTable('unlink', 'T')).error().code).toBe('TASK_NOT_FOUND')
  })

  test.each([
    ['a table that is not there', {REPRISE_REGISTRY: 'dynamodb://no-such-table'}, 3, 'TABLE_NOT_FOUND'],
    ['an index that is not there', {index: 'another'}, 2, 'INDEX_MISSING'],
    ['no server', {AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:9'}, 6, 'STORE_UNREACHABLE'],
    ['a server that anybody could read along', {AWS_ENDPOINT_URL_DYNAMODB: 'http://192.0.2.1'}, 2, 'ENDPOINT_REFUSED'],
    ['no credentials', {AWS_ACCESS_KEY_ID: '', AWS_EC2_METADATA_DISABLED: 'true'}, 5, 'CREDENTIALS_MISSING'],
    ['no region', {AWS_ENDPOINT_URL_DYNAMODB: ''}, 2, 'REGION_MISSING'],
    ['a registry that is none', {REPRISE_REGISTRY: 'dynamodb://tasks?ttl=soon'}, 2, 'SETTING_INVALID'],
  ] as const)('%s', async (_, {index, ...env}: Readonly<Record<string, string>>, exitCode, code) => {
    const named = index === undefined ? {} : {REPRISE_REGISTRY: `${registry}?index=${index}`}
    const run = await json(['lease', 'ls', '--retries', '0'], {...environment(), ...named, ...env})
    expect([run.exitCode, run.error().code]).toEqual([exitCode, code])
    expect(run.error().suggestions.length).toBeGreaterThan(0)
  })

  test('a worker that keeps leases elsewhere than the others is refused', async () => {
    await mkdir(join(directory, '.reprise'), {recursive: true})
    const store = new FileObjectStore({directory, clock: systemClock, random: systemRandom})
    const record = {version: 1, registry: 'dynamodb://another?region=us-east-1', conditions: true}
    await store.put('.reprise/store.json', Buffer.from(JSON.stringify(record)), {mode: {type: 'create'}})
    for (const run of [await inTable('push', SESSION), await json(['push', SESSION]), await json(['lease', 'ls'])]) {
      expect([run.exitCode, run.error().code]).toEqual([2, 'REGISTRY_MISMATCH'])
    }
  })
})
