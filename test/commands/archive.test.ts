import {appendFile, mkdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {createSessionStore} from '../../src/library/session-store.js'
import {OVERWRITE} from '../../src/object-store/object-store.js'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {keysOf, openPlace, type Place, type PlaceName} from '../e2e/support/places.js'
import {FAKE_CLAUDE} from '../hostile/support/sandbox.js'
import {appendReference} from '../support/reference-adapter.js'
import {type CliHome, type CliRun, makeCliHome} from '../support/run-reprise.js'
import {message} from '../support/sync-worker.js'

const ID = 'abcdef01-2222-4333-8444-555555555555'
const SUBAGENT = 'subagents/agent-7c1e'
const TEXT = Array.from({length: 30}, (_, line) => message(`main-${line}`)).join('')
const SUB_TEXT = Array.from({length: 10}, (_, line) => message(`sub-${line}`)).join('')

async function pathOf({home, cwd}: CliHome, subpath?: string): Promise<string> {
  const session = join(home, '.claude', 'projects', await projectKeyFor(cwd), ID)
  return subpath === undefined ? `${session}.jsonl` : join(session, `${subpath}.jsonl`)
}

async function putHere(here: CliHome, subpath: string | undefined, text: string): Promise<void> {
  const path = await pathOf(here, subpath)
  await mkdir(dirname(path), {recursive: true})
  await writeFile(path, text)
}

/** A session of several parts and a subagent, pushed from `here`. */
async function pushed(here: CliHome, {env}: Place): Promise<void> {
  await putHere(here, SUBAGENT, SUB_TEXT)
  for (const lines of [10, 20, 30]) {
    await putHere(here, undefined, `${TEXT.split('\n').slice(0, lines).join('\n')}\n`)
    expect((await here.run(['push', ID], {env})).exitCode).toBe(0)
  }
}

const archiveArgv = ['compact', ID, '--archive', 'gzip', '--json']

async function archived(here: CliHome, place: Place): Promise<void> {
  await pushed(here, place)
  const run = await here.run(archiveArgv, {env: place.env})
  expect(run).toMatchObject({exitCode: 0, stderr: ''})
  expect(run.result()).toMatchObject({sessions: [{action: 'archived'}]})
}

const archiveKeys = async ({store}: Place): Promise<string[]> => keysOf(store, '.reprise/archive/')
/** Without what taking a lease leaves. */
const sessionKeys = (all: readonly string[]): string[] =>
  all.filter((key) => !/\/(?:leases|probe)\/|store\.json$/.test(key))
const sessionsOf = (run: CliRun) => (run.result() as {sessions: Record<string, unknown>[]}).sessions

describe.each<PlaceName>(['file', 's3'])('reprise compact --archive, %s store', {timeout: 60_000}, (name) => {
  test('tells what it would do, does it, and finds nothing more to do', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace(name, here.home)
    const {env, store} = place
    await pushed(here, place)
    const keys = await keysOf(store)
    const dry = await here.run([...archiveArgv, '--dry-run'], {env})
    expect(await keysOf(store)).toEqual(keys)
    const told = {action: 'archived', partsBefore: 4, partsAfter: 2, deleted: 4, waiting: 0, bytesJoined: 0}
    const bytes = TEXT.length + SUB_TEXT.length
    expect(sessionsOf(dry)).toMatchObject([{...told, bytesRead: bytes, bytesWritten: expect.any(Number)}])
    const text = await here.run(['compact', '--archive', 'gzip', '--dry-run'], {env})
    expect(text.stdout).toMatch(/^Nothing was written; it would take 4 parts to 2: .* read, .* written, \d+ requests/m)
    expect(text.stdout.includes(' requests, about $0.')).toBe(name === 's3')

    const run = await here.run(archiveArgv, {env})
    expect(sessionsOf(run)).toMatchObject([told])
    const [{bytesWritten} = {}] = sessionsOf(run)
    expect(bytesWritten).toBeLessThan(bytes / 2)
    const [{bytesWritten: estimated} = {}] = sessionsOf(dry)
    expect(Math.abs(Number(estimated) - Number(bytesWritten)) / Number(bytesWritten)).toBeLessThan(0.8)
    expect(await archiveKeys(place)).toHaveLength(2)
    const again = await here.run(['compact', '--all', '--archive', 'gzip'], {env})
    expect(again).toMatchObject({exitCode: 0, stdout: expect.stringMatching(/^1 unchanged\n2 parts to 2: 0 B read/)})
    expect(again.stderr).toContain('Archived 1 session')
    // Merging leaves it alone, too.
    expect(sessionsOf(await here.run(['compact', ID, '--json'], {env}))).toMatchObject([{action: 'unchanged'}])
    expect(await archiveKeys(place)).toHaveLength(2)
  })

  test('every command reads the session as before', async () => {
    await using here = await makeCliHome()
    await using there = await makeCliHome()
    await using place = await openPlace(name, here.home)
    const {env} = place
    await archived(here, place)

    expect(sessionsOf(await here.run(['ls', '--json'], {env}))).toMatchObject([
      {sessionId: ID, bytes: TEXT.length, parts: 1, entries: 30},
    ])
    expect(sessionsOf(await here.run(['status', '--json'], {env}))).toMatchObject([{sessionId: ID, state: 'stored'}])
    expect(sessionsOf(await here.run(['push', '--json'], {env}))).toMatchObject([
      {action: 'unchanged', partsCreated: 0},
    ])
    const verified = await here.run(['verify', '--read-data', '--json'], {env})
    expect(sessionsOf(verified)).toMatchObject([{state: 'ok', transcripts: 2, entries: 40, findings: []}])
    const doctor = (await here.run(['doctor', '--json'], {env})).result() as {findings: {subject?: string}[]}
    expect(doctor.findings.filter(({subject}) => subject?.includes(ID))).toEqual([])
    expect((await here.run(['diff', ID, '--json'], {env})).result()).toMatchObject({
      transcripts: [{relation: 'equal'}, {relation: 'equal', subpath: SUBAGENT}],
    })
    expect((await there.run(['diff', ID, '--json'], {env})).result()).toMatchObject({
      transcripts: [{relation: 'stored-only', storedBytes: TEXT.length}, {relation: 'stored-only'}],
    })
    expect(sessionsOf(await there.run(['pull', ID, '--json'], {env}))).toMatchObject([
      {action: 'pulled', bytesDownloaded: TEXT.length + SUB_TEXT.length},
    ])
    expect(await readFile(await pathOf(there), 'utf8')).toBe(TEXT)
    expect(await readFile(await pathOf(there, SUBAGENT), 'utf8')).toBe(SUB_TEXT)
    expect(sessionsOf(await there.run(['pull', ID, '--json'], {env}))).toMatchObject([{action: 'unchanged'}])
    // One that is behind gets the rest.
    await putHere(there, undefined, `${TEXT.split('\n').slice(0, 7).join('\n')}\n`)
    expect(sessionsOf(await there.run(['status', '--json'], {env}))).toMatchObject([{state: 'behind'}])
    expect(sessionsOf(await there.run(['pull', ID, '--json'], {env}))).toMatchObject([{action: 'pulled'}])
    expect(await readFile(await pathOf(there), 'utf8')).toBe(TEXT)
    // Nothing of that has put it back.
    expect(await archiveKeys(place)).toHaveLength(2)
  })

  test('push puts it back, and goes on', async () => {
    await using here = await makeCliHome()
    await using there = await makeCliHome()
    await using place = await openPlace(name, here.home)
    const {env} = place
    await archived(here, place)
    await appendFile(await pathOf(here), message('more'))
    expect(sessionsOf(await here.run(['status', '--json'], {env}))).toMatchObject([
      {state: 'unstored', unstoredEntries: 1},
    ])
    expect(sessionsOf(await here.run(['push', '--json'], {env}))).toMatchObject([{action: 'pushed', entries: 1}])
    expect(await archiveKeys(place)).toHaveLength(1)
    expect((await there.run(['pull', ID], {env})).exitCode).toBe(0)
    expect(await readFile(await pathOf(there), 'utf8')).toBe(TEXT + message('more'))
    expect(sessionsOf(await here.run(['verify', '--read-data', '--json'], {env}))).toMatchObject([{state: 'ok'}])
  })

  test('resume puts it back, and goes on', async () => {
    await using here = await makeCliHome()
    await using there = await makeCliHome()
    await using place = await openPlace(name, here.home)
    const env = {...place.env, REPRISE_CLAUDE_BIN: FAKE_CLAUDE}
    await archived(here, place)
    expect(await there.run(['resume', ID, '--print'], {env})).toMatchObject({exitCode: 0})
    expect(await readFile(await pathOf(there), 'utf8')).toBe(TEXT)
    expect(await archiveKeys(place)).toHaveLength(2)
    expect(await there.run(['resume', ID], {env})).toMatchObject({exitCode: 0})
    expect(await archiveKeys(place)).toEqual([])
    const after = await readFile(await pathOf(there), 'utf8')
    expect(after.startsWith(TEXT)).toBe(true)
    expect(after.split('\n')).toHaveLength(34)
    expect((await here.run(['pull', ID], {env})).exitCode).toBe(0)
    expect(await readFile(await pathOf(here), 'utf8')).toBe(after)
    // A worker had it a moment ago.
    const refused = await here.run(archiveArgv, {env})
    expect(refused.exitCode).toBe(4)
    expect(sessionsOf(refused)).toMatchObject([{error: {code: 'ARCHIVE_IN_USE'}}])
    expect(sessionsOf(await here.run([...archiveArgv, '--force'], {env}))).toMatchObject([{action: 'archived'}])
  })

  test('the library loads it, and an append of it goes on', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace(name, here.home)
    await archived(here, place)
    const key = {projectKey: await projectKeyFor(here.cwd), sessionId: ID}
    await using sessions = createSessionStore({objectStore: place.store})
    expect(await sessions.load(key)).toHaveLength(30)
    expect(await sessions.load({...key, subpath: SUBAGENT})).toHaveLength(10)
    expect(await archiveKeys(place)).toHaveLength(2)
    await sessions.append(key, [{type: 'user', uuid: 'uuid-sdk'}])
    expect(await archiveKeys(place)).toHaveLength(1)
    expect(await sessions.load(key)).toHaveLength(31)
    // What it deletes is gone from the archive as well.
    await sessions.delete(key)
    expect(await archiveKeys(place)).toEqual([])
  })

  test('a codec that is not known ends every command with 7, and nothing is changed', async () => {
    await using here = await makeCliHome()
    await using there = await makeCliHome()
    await using place = await openPlace(name, here.home)
    const {env, store} = place
    await archived(here, place)
    for (const key of await archiveKeys(place)) {
      const head = await store.head(key)
      const metadata = {...head?.metadata, codec: 'brotli'}
      await store.put(key, Buffer.from('?'), {mode: OVERWRITE, metadata})
    }
    await appendFile(await pathOf(here), message('more'))
    const keys = await keysOf(store)
    const runs: readonly (readonly [CliHome, ...string[]])[] = [
      [there, 'pull', ID],
      [there, 'resume', ID],
      [there, 'diff', ID],
      [here, 'push', ID],
      [here, 'verify', ID],
    ]
    for (const [home, ...argv] of runs) {
      const run = await home.run(argv, {env: {...env, REPRISE_CLAUDE_BIN: FAKE_CLAUDE}})
      expect([argv[0], run.exitCode]).toEqual([argv[0], 7])
      expect(run.stdout + run.stderr).toContain('is stored with the codec "brotli", which this reprise does not know')
    }
    const status = await here.run(['status', '--json'], {env})
    expect(sessionsOf(status)).toMatchObject([{state: 'failed', error: {code: 'CODEC_UNKNOWN', kind: 'bad-data'}}])
    expect(status.exitCode).toBe(7)
    expect((await here.run(['doctor'], {env})).stdout).toContain('codec "brotli"')
    const session = await projectKeyFor(here.cwd)
    expect(sessionKeys(await keysOf(store))).toEqual(sessionKeys(keys))
    await using sessions = createSessionStore({objectStore: store})
    await expect(sessions.load({projectKey: session, sessionId: ID})).rejects.toMatchObject({code: 'CODEC_UNKNOWN'})
  })
})

describe('reprise compact --archive', {timeout: 60_000}, () => {
  test('refuses what another program wrote to lately; by age it is left without a failure', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace('file', here.home)
    const {env, store} = place
    await pushed(here, place)
    const projectKey = await projectKeyFor(here.cwd)
    await appendReference(store, {projectKey, sessionId: ID}, [message('theirs').trimEnd()], Date.now())
    const refused = await here.run(archiveArgv, {env})
    expect(refused.exitCode).toBe(4)
    const [{error} = {}] = sessionsOf(refused)
    expect(error).toMatchObject({
      code: 'ARCHIVE_IN_USE',
      suggestions: expect.arrayContaining([expect.stringContaining(`--archive gzip --force`)]),
    })
    const by = (age: string) => here.run(['compact', '--all', '--archive', 'gzip', '--older-than', age], {env})
    expect(await by('1d')).toMatchObject({exitCode: 0, stdout: expect.stringMatching(/^1 unchanged\n/)})
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await by('50ms')).toMatchObject({exitCode: 0, stdout: expect.stringContaining('may still be using it')})
    expect(await archiveKeys(place)).toEqual([])
    expect(sessionsOf(await here.run([...archiveArgv, '--force', '--grace', '0s'], {env}))).toMatchObject([
      {action: 'archived', waiting: 0},
    ])
    expect(sessionsOf(await here.run(['verify', '--read-data', '--json'], {env}))).toMatchObject([
      {state: 'ok', entries: 41},
    ])
  })

  test('refuses a server that ignores conditions, as whatever takes a lease does', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace('s3', here.home)
    const {env, server} = place
    if (!server) throw new Error('an S3 place has a server')
    server.settings.conditions = 'ignored'
    await pushed(here, place)
    const run = await here.run(archiveArgv, {env})
    expect(run.exitCode).toBe(2)
    expect(sessionsOf(run)).toMatchObject([{action: 'failed', error: {code: 'CONDITIONS_IGNORED'}}])
    expect(await archiveKeys(place)).toEqual([])
    expect(sessionsOf(await here.run(['verify', '--read-data', '--json'], {env}))).toMatchObject([{state: 'ok'}])
  })

  test('of a session without a summary ls tells the size that it unpacks to', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace('file', here.home)
    await archived(here, place)
    await place.store.delete([`.reprise/sessions/${ID}.json`])
    expect(sessionsOf(await here.run(['ls', '--json'], {env: place.env}))).toMatchObject([
      {sessionId: ID, bytes: TEXT.length, parts: 1},
    ])
  })

  test('what is told wrongly is a usage error', async () => {
    await using here = await makeCliHome()
    const codec = await here.run(['compact', '--archive', 'zip'])
    expect(codec.exitCode).toBe(2)
    expect(codec.stderr).toContain('gzip')
    expect((await here.run(['compact', '--older-than', 'old', '--json'])).error().code).toBe('DURATION_INVALID')
    const env = {REPRISE_ARCHIVE: 'gzip', REPRISE_OLDER_THAN: '30d', REPRISE_FORCE: 'true'}
    expect(await here.run(['compact'], {env})).toMatchObject({exitCode: 0})
  })
})
