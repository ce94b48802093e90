import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {startDynalite} from '../support/dynamodb/dynalite.js'
import {FaultProxy} from '../support/dynamodb/fault-proxy.js'
import {createTable} from '../support/dynamodb/tables.js'
import {difference} from './support/difference.js'
import {eventually, Fleet, noClaude, onlySession} from './support/fleet.js'
import {keysOf, type PlaceName, textOf} from './support/places.js'

const places: readonly PlaceName[] = ['file', 's3']

describe.skipIf(noClaude)(`tasks and leases in DynamoDB, transcripts elsewhere ${noClaude ?? ''}`, () => {
  let server: Awaited<ReturnType<typeof startDynalite>>
  let proxy: FaultProxy

  beforeAll(async () => {
    server = await startDynalite()
    proxy = await FaultProxy.start(server)
    // Nothing may rest on the two services having one time.
    proxy.aheadMs = -3 * 3_600_000
  })
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })

  async function inTable() {
    const {accessKeyId, secretAccessKey} = server.credentials
    return {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: proxy.server.endpoint,
      REPRISE_REGISTRY: `dynamodb://${await createTable(server)}?region=us-east-1`,
    }
  }

  test.each(places)('a task goes on elsewhere, one worker at a time: %s store', {timeout: 60_000}, async (place) => {
    await using fleet = await Fleet.start({place})
    const env = {...(await inTable()), ...fleet.place.env}
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    expect(await a.run(['run', '--task', 'T', '--', '-p', 'say: begun'], {env})).toMatchObject({code: 0})
    const id = await onlySession(a)

    const running = b.start(['resume', 'T', '--', '-p', 'hold: said by b'], {env})
    await b.model.untilAsked('hold:')
    const refused = await a.run(['resume', 'T', '--json', '--', '-p', 'say: no'], {env})
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([4, {error: {code: 'LEASE_HELD'}}])
    const held = await a.run(['lease', 'ls', '--json'], {env})
    expect(JSON.parse(held.stdout)).toMatchObject({result: {leases: [{sessionId: id, state: 'held', machine: 'b'}]}})
    b.model.release()
    expect(await running.finished).toMatchObject({code: 0, stdout: 'said by b\n'})
    expect(b.heard()).toContain('say: begun')
    expect(difference(await fleet.stored(id), await b.lines(id))).toBe('')

    const keys = await keysOf(fleet.place.store, '.reprise/')
    expect(keys.filter((key) => /^\.reprise\/(?:leases|tasks|names|chains)\//.test(key))).toEqual([])
    expect(JSON.parse(await textOf(fleet.place.store, '.reprise/store.json'))).toMatchObject({
      registry: env.REPRISE_REGISTRY,
    })
    const elsewhere = await a.run(['resume', id, '--registry', 'store', '--json', '--', '-p', 'say: no'], {env})
    expect([elsewhere.code, JSON.parse(elsewhere.stdout)]).toMatchObject([2, {error: {code: 'REGISTRY_MISMATCH'}}])
  })

  test('a worker that is given up is told so, and stores nothing more', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const env = {...(await inTable()), ...fleet.place.env}
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const running = a.start(['run', '--task', 'T', '--', '-p', 'hold: said by a'], {env})
    await a.model.untilAsked('hold:')
    const id = await eventually(async () => onlySession(a))
    await eventually(async () => (await fleet.stored(id)).length > 0)
    expect(await b.run(['lease', 'release', 'T', '--force', '--yes'], {env})).toMatchObject({code: 0})
    expect(await b.run(['resume', 'T', '--', '-p', 'say: mine now'], {env})).toMatchObject({code: 0})
    const taken = await fleet.stored(id)
    expect(await running.finished).toMatchObject({code: 4})
    expect(difference(await fleet.stored(id), taken)).toBe('')
  })

  test(
    'where the table goes away in mid-turn, claude ends its work and the worker says what is not stored',
    {timeout: 60_000},
    async () => {
      await using fleet = await Fleet.start({place: 's3'})
      const env = {...(await inTable()), ...fleet.place.env}
      const a = await fleet.worker('a')
      const args = ['run', '--task', 'T', '--retries', '0', '--', '-p', 'hold: said by a']
      const running = a.start(args, {env})
      await a.model.untilAsked('hold:')
      await eventually(async () => onlySession(a))
      const gone = {type: 'AccessDeniedException'}
      for (const operation of ['UpdateItem', 'GetItem'])
        proxy.script(operation, ...Array.from({length: 200}, () => gone))
      a.model.release()
      const ended = await running.finished
      proxy.heal()
      expect(ended.stdout).toBe('said by a\n')
      expect(ended.code).toBe(6)
      expect(ended.stderr).toContain(await a.transcript(await onlySession(a)))
    },
  )
})
