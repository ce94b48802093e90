import {mkdir, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import type {Facts} from '../../src/doctor/patient.js'
import {isAtLeast} from '../../src/doctor/version.js'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {pushSession} from '../../src/sync/push-session.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'
import {DAY, examineAt} from './support.js'

async function worker(): Promise<SyncWorker> {
  return SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
}

test('versions compare by number', () => {
  const pairs = [
    ['2.1.223', '2.1.223'],
    ['2.1.1000', '2.1.223'],
    ['v22.0.0', '20.19.0'],
    ['2.2.0-beta.1', '2.1.223'],
  ] as const
  expect(pairs.filter(([version, least]) => !isAtLeast(version, least))).toEqual([])
  expect([isAtLeast('2.1.222', '2.1.223'), isAtLeast('20.9.0', '20.19.0'), isAtLeast('2.1', '2.1.1')]).toEqual([
    false,
    false,
    false,
  ])
})

test('a sound machine with a sound store has nothing to be told', async () => {
  await using a = await worker()
  const report = await examineAt(a)
  expect(report.told).toEqual([])
  expect(report.totals).toEqual({note: 3, warning: 0, problem: 0, fixed: 0})
  expect(report.checks.every(({state}) => state === 'done')).toBe(true)
  expect(report.error).toBeUndefined()
})

const CASES: readonly (readonly [string, Partial<Facts>, string])[] = [
  ['an old node', {node: {version: '18.20.0', least: '20.19.0'}}, 'problem node-too-old'],
  ['no claude', {claude: {missing: 'There is no "claude" on PATH.'}}, 'warning claude-missing'],
  ['a claude that does not run', {claude: {path: '/c', version: undefined}}, 'warning claude-not-running /c'],
  ['a claude that looks here only', {claude: {path: '/c', version: '2.1.222'}}, 'note claude-finds-here-only /c'],
  ['no credentials', {credentials: {missing: 'none'}}, 'problem credentials-missing'],
  ['where credentials come from', {credentials: {source: 'the instance'}}, 'note credentials'],
  [
    'the endpoint',
    {endpoint: {url: 'http://127.0.0.1:9', source: 'AWS_ENDPOINT_URL'}},
    'note endpoint http://127.0.0.1:9',
  ],
  ['no store named', {store: {isDefault: true}}, 'note store-default memory:'],
]

test.each(CASES)('%s', async (_, facts, told) => {
  await using a = await worker()
  expect((await examineAt(a, {facts})).told).toEqual([told])
})

test('a state directory that cannot be written', async () => {
  await using a = await worker()
  await writeFile(join(a.root, 'taken'), '')
  const stateDir = join(a.root, 'taken')
  expect((await examineAt(a, {facts: {stateDir}})).told).toEqual([`problem state-unwritable ${stateDir}`])
  expect((await examineAt(a, {facts: {stateDir: join(a.root, 'not', 'there')}})).told).toEqual([])
  const below = join(stateDir, 'reprise')
  expect((await examineAt(a, {facts: {stateDir: below}})).told).toEqual([`problem state-unwritable ${below}`])
})

describe('sessions here', () => {
  test('no config dir, and one without sessions', async () => {
    await using a = await worker()
    const codes = async (configDir: string) =>
      (await examineAt(a, {sync: {...a.context, configDir}})).findings.map(({code}) => code)
    expect(await codes(join(a.root, 'nowhere'))).toContain('config-dir-missing')
    expect(await codes(a.configDir)).toContain('no-sessions-here')
  })

  test('one that was never stored', async () => {
    await using a = await worker()
    await a.write('-a', message(1))
    expect((await examineAt(a)).told).toEqual([`warning not-stored ${SESSION}`])
    await pushSession(a.context, await a.session())
    expect((await examineAt(a)).told).toEqual([])
  })

  test('a second copy names the one that is out of date', async () => {
    await using a = await worker()
    await a.write('-a', message(1))
    await pushSession(a.context, await a.session())
    await a.write('-b', message(1) + message(2))
    await utimes(a.pathOf('-a'), new Date(Date.now() - DAY), new Date(Date.now() - DAY))
    const {told, findings} = await examineAt(a)
    expect(told).toEqual([`warning second-copy ${SESSION}`])
    expect(findings.find(({code}) => code === 'second-copy')?.mend).toContain(a.pathOf('-a'))
  })

  test('one that Claude is about to delete, by its own setting, unless it is stored', async () => {
    await using a = await worker()
    await a.write('-a', message(1))
    await pushSession(a.context, await a.session())
    await a.write('-a', message(1) + message(2))
    const old = new Date(Date.now() - 5 * DAY)
    await utimes(a.pathOf('-a'), old, old)
    expect((await examineAt(a)).told).toEqual([])
    await mkdir(a.configDir, {recursive: true})
    await writeFile(join(a.configDir, 'settings.json'), JSON.stringify({cleanupPeriodDays: 10}))
    expect((await examineAt(a)).told).toEqual([`problem expires-unstored ${SESSION}`])
    await pushSession(a.context, await a.session())
    expect((await examineAt(a)).told).toEqual([])
  })
})
