import {afterAll, beforeAll, describe, expect, onTestFinished, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import type {LogFields} from '../../src/base/logger.js'
import {silentLogger} from '../../src/base/logger.js'
import {DynamoConnection} from '../../src/registry/dynamodb/connection.js'
import {openDynamoRegistry} from '../../src/registry/dynamodb/open.js'
import {known} from '../../src/setup/check.js'
import {planPolicy, type PolicyRole} from '../../src/setup/policy.js'
import {scopeOf} from '../../src/setup/policy-scope.js'
import {planTable, type TableFacts} from '../../src/setup/table.js'
import {TableControl} from '../../src/setup/table-control.js'
import {TablePlace} from '../../src/setup/table-place.js'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {createTable, INDEX, REGION, registryOptions} from '../support/dynamodb/tables.js'
import {type IamRequest, isAllowed} from '../support/iam.js'

const SESSION = 'abcdef01-2222-4333-8444-555555555555'
const WANTED = {name: 'tasks', index: INDEX}
const GOOD: TableFacts = {
  keys: [{name: 'task_id', type: 'S'}],
  indexes: [{name: INDEX, keys: [{name: 'claude_session_id', type: 'S'}], isActive: true}],
  provisioned: false,
  expiry: known('ttl'),
  backups: known(true),
}

function states(facts: Partial<TableFacts>) {
  const steps = planTable(WANTED, {...GOOD, ...facts})
  return Object.fromEntries(
    steps.map(({check, state, change}) => [check, change ? `${state} → ${change.makes}` : state]),
  )
}

describe('what a table should be', () => {
  test('one that is as it should be is left alone', () => {
    expect(states({})).toEqual({table: 'ok', 'table index': 'ok', 'table ttl': 'ok', 'table backups': 'ok'})
  })

  test.each([
    ['another name', [{name: 'id', type: 'S'}]],
    ['a number', [{name: 'task_id', type: 'N'}]],
    ['a second part', [...GOOD.keys, {name: 'sort', type: 'S'}]],
  ])('a key with %s cannot be put right: nothing else is looked at', (_, keys) => {
    expect(states({keys})).toEqual({table: 'warning'})
  })

  test('an index is made where it costs nothing by the hour', () => {
    expect(states({indexes: []})).toMatchObject({'table index': 'missing → created'})
    expect(states({indexes: [], provisioned: true})).toMatchObject({'table index': 'missing'})
  })

  test('an index of another name is named, not doubled', () => {
    const indexes = [{...GOOD.indexes[0]!, name: 'by-session'}]
    expect(planTable(WANTED, {...GOOD, indexes})[1]).toMatchObject({
      state: 'warning',
      fix: 'Name the one that is there: --registry "dynamodb://tasks?index=by-session"',
    })
  })

  test.each([
    [known(undefined), 'missing → created'],
    [known('expires_at'), 'warning'],
    [{known: false, why: 'no'} as const, 'unchecked'],
  ])('items that end at %j', (expiry, expected) => {
    expect(states({expiry})).toMatchObject({'table ttl': expected})
  })

  test('backups are suggested, never switched on', () => {
    expect(states({backups: known(false)})).toMatchObject({'table backups': 'warning'})
  })
})

describe('a table in DynamoDB', () => {
  let server: Awaited<ReturnType<typeof startDynalite>>
  beforeAll(async () => {
    server = await startDynalite()
  })
  afterAll(async () => server[Symbol.asyncDispose]())

  async function placeOf(table: string): Promise<TablePlace> {
    const connection = await DynamoConnection.open(registryOptions(server, table))
    onTestFinished(() => connection.close())
    return new TablePlace(new TableControl(connection, systemClock))
  }

  test('is made, and is one that the registry takes', async () => {
    const place = await placeOf('made-here')
    const planned = await place.look()
    expect(planned.map(({check}) => [check.check, check.state])).toEqual([
      ['table', 'missing'],
      ['table ttl', 'missing'],
      ['table backups', 'warning'],
    ])
    const done = await Promise.all(planned.slice(0, 1).map(async ({carryOut}) => carryOut?.()))
    expect(done).toMatchObject([{check: 'table', state: 'created'}])
    // This server knows no ttl: that is no reason to fail.
    expect(await planned[1]!.carryOut?.()).toMatchObject({
      state: 'missing',
      detail: expect.stringContaining('UpdateTimeToLive'),
    })

    const opened = await openDynamoRegistry(registryOptions(server, 'made-here'))
    onTestFinished(() => opened.close())
    const {registry} = opened
    await registry.assign({kind: 'task', id: 'T-1', sessionId: SESSION}, {mode: 'create'})
    expect(await registry.findBySession(SESSION)).toMatchObject([{id: 'T-1'}])
    const again = await place.look()
    expect(again.map(({check}) => [check.check, check.state])).toEqual([
      ['table', 'ok'],
      ['table index', 'ok'],
      ['table ttl', 'missing'],
      ['table backups', 'unchecked'],
    ])
  })

  test('that many make at once is made once', async () => {
    const places = await Promise.all([1, 2, 3].map(async () => placeOf('raced')))
    const made = await Promise.all(places.map(async (place) => (await place.look())[0]?.carryOut?.()))
    expect(made.every((check) => check === undefined || check.state === 'created')).toBe(true)
  })

  test('what a worker asks of it is allowed to it, and not to that of another task', async () => {
    const asked: {operation: string; key: string}[] = []
    const debug = (text: string, fields?: LogFields): void => {
      asked.push({operation: text.replace('registry ', ''), key: String(fields?.['key'])})
    }
    const table = await createTable(server)
    const logger = {...silentLogger, enabled: true, debug}
    const opened = await openDynamoRegistry({...registryOptions(server, table), logger})
    onTestFinished(() => opened.close())
    const {registry, leases} = opened
    // As run, push and resume do.
    await registry.assign({kind: 'task', id: 'T-1', sessionId: SESSION}, {mode: 'create'})
    await registry.find('task', 'T-1')
    await registry.find('name', 'T-1')
    await registry.findBySession(SESSION)
    await leases.read(SESSION)
    await leases.date(SESSION)
    await leases.versions([SESSION])

    const arn = `arn:aws:dynamodb:${REGION}:123456789012:table/${table}`
    const requests = asked.map(({operation, key}): IamRequest => {
      if (operation === 'Query' || operation === 'Scan')
        return {action: `dynamodb:${operation}`, resource: `${arn}/index/${INDEX}`}
      const keys = operation === 'BatchGetItem' ? ['T-1'] : key
      return {action: `dynamodb:${operation}`, resource: arn, context: {'dynamodb:LeadingKeys': keys}}
    })
    expect(new Set(asked.map(({operation}) => operation))).toEqual(
      new Set(['GetItem', 'UpdateItem', 'Query', 'BatchGetItem']),
    )
    const refused = (role: PolicyRole, task: string) => {
      const url = {kind: 's3', bucket: 'b-1', prefix: 'p/'} as const
      const place = {kind: 'dynamodb', table} as const
      const policy = planPolicy(role, scopeOf(role, {url, isPerTask: true, registry: place, task}))
      return requests.filter((request) => !isAllowed(policy, request))
    }
    expect(refused('worker', 'T-1')).toEqual([])
    const others = refused('worker', 'T-2').map(({context}) => context?.['dynamodb:LeadingKeys'])
    expect(new Set(others.map(String))).toEqual(new Set(['T-1', 'name#T-1']))
    expect(new Set(refused('reader', 'T-1').map(({action}) => action))).toEqual(new Set(['dynamodb:UpdateItem']))
  })
})
