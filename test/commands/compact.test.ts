import {appendFile, mkdir, readdir, readFile} from 'node:fs/promises'
import {hostname} from 'node:os'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {openPlace} from '../e2e/support/places.js'
import {pushLines} from '../support/compactable.js'
import {type CliHome, type CliRun, makeCliHome} from '../support/run-reprise.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const ID = 'abcdef01-2222-4333-8444-555555555555'

async function pathOf({home, cwd}: CliHome): Promise<string> {
  return join(home, '.claude', 'projects', await projectKeyFor(cwd), `${ID}.jsonl`)
}

/** A session of so many parts. @returns its transcript. */
async function pushParts(here: CliHome, count: number): Promise<string> {
  const path = await pathOf(here)
  await mkdir(dirname(path), {recursive: true})
  for (let each = 0; each < count; each++) {
    await appendFile(path, message(each))
    expect((await here.run(['push'])).exitCode).toBe(0)
  }
  return readFile(path, 'utf8')
}

/** A session of so many parts of this machine, under the key of no cwd. */
async function storeParts(store: ObjectStore, count: number): Promise<string> {
  await using worker = await SyncWorker.start(store, hostname())
  return await pushLines(worker, count)
}

const totalsOf = (run: CliRun) => (run.result() as {totals: Record<string, unknown>}).totals

describe('reprise compact', {timeout: 60_000}, () => {
  test('prints what was done, and what it took', async () => {
    await using here = await makeCliHome()
    const text = await pushParts(here, 5)
    const dry = await here.run(['compact', '--dry-run', '--json'])
    const run = await here.run(['compact', '--json'])
    expect(run).toMatchObject({exitCode: 0, stderr: ''})
    const bytes = {bytesRead: text.length, bytesWritten: text.length, bytesJoined: 0}
    const session = {partsBefore: 5, partsAfter: 1, ...bytes, deleted: 5, waiting: 0}
    const projectKey = await projectKeyFor(here.cwd)
    expect(run.result()).toEqual({
      sessions: [{sessionId: ID, projectKey, action: 'compacted', ...session}],
      totals: {
        sessions: 1,
        actions: {compacted: 1},
        ...session,
        requests: {list: expect.any(Number), head: 6, get: expect.any(Number), put: 2, delete: 2},
      },
    })
    expect(dry.result()).toMatchObject({sessions: (run.result() as {sessions: unknown}).sessions})
    expect((await here.run(['compact', '--all'])).stdout).toMatch(
      /^1 unchanged\n1 parts to 1: 0 B read, 0 B written, \d+ requests\.\n$/,
    )
    await using there = await makeCliHome()
    const store = join(here.home, '.local', 'share', 'reprise', 'store')
    expect((await there.run(['pull', ID, '--store', store])).exitCode).toBe(0)
    expect(await readFile(await pathOf(there), 'utf8')).toBe(text)
    // It is pushed on from there.
    expect((await here.run(['push', '--json'])).result()).toMatchObject({totals: {actions: {unchanged: 1}}})
  })

  test('a push compacts what it appends to, when it is told to', async () => {
    await using here = await makeCliHome()
    await pushParts(here, 4)
    const store = join(here.home, '.local', 'share', 'reprise', 'store', await projectKeyFor(here.cwd), ID)
    expect(await readdir(store)).toHaveLength(4)
    await appendFile(await pathOf(here), message('last'))
    const pushed = await here.run(['push', '--json'], {env: {REPRISE_COMPACT_AT: '4'}})
    expect(pushed.result()).toMatchObject({totals: {partsCreated: 1}})
    expect(await readdir(store)).toHaveLength(1)
    expect((await here.run(['push', '--compact-at', 'many', '--json'])).error().code).toBe('SETTING_INVALID')
  })

  test('people get a table, the estimate before, and why nothing was done', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace('s3', here.home)
    const {env, server} = place
    if (!server) throw new Error('an S3 place has a server')
    await storeParts(place.store, 5)
    const keys = server.store.keys(server.bucket)
    const dry = await here.run(['compact', '--all', '--dry-run'], {env})
    expect(dry.stdout).toMatch(
      /^Nothing was written; it would take 5 parts to 1: .* \d+ requests, about \$0\.000\d\d\.$/m,
    )
    expect(server.store.keys(server.bucket)).toEqual(keys)

    server.faults.deny('DeleteObject')
    server.faults.deny('DeleteObjects')
    const denied = await here.run(['compact', SESSION.slice(0, 6)], {env})
    expect(denied).toMatchObject({exitCode: 0, stdout: expect.stringContaining('may not delete')})
    server.faults.clear()

    const done = await here.run(['compact', SESSION.slice(0, 6)], {env})
    expect(done).toMatchObject({exitCode: 0, stderr: expect.stringContaining('✔ Compacted 1 session in s3://')})
    expect(done.stdout.split('\n')[0]).toMatch(/^SESSION +DONE +PARTS +AFTER +READ +WRITTEN +JOINED +DELETED$/)
    expect(done.stdout.split('\n')[1]).toMatch(new RegExp(`^${SESSION} +compacted +5 +1 +\\d+ B +\\d+ B +0 B +5$`))
  })

  test('what is not there is said, and does not keep the others from being compacted', async () => {
    await using here = await makeCliHome()
    await using place = await openPlace('file', here.home)
    const {env} = place
    await storeParts(place.store, 5)
    const run = await here.run(['compact', SESSION, '00000000-2222-4333-8444-555555555555', '--json'], {env})
    expect(run.exitCode).toBe(3)
    expect(run.result()).toMatchObject({
      sessions: [{action: 'compacted'}, {action: 'failed', error: {code: 'SESSION_NOT_FOUND'}}],
    })
    expect(totalsOf(run)).toMatchObject({actions: {compacted: 1, failed: 1}})
    expect((await here.run(['compact', '--min-parts', '1', '--json'])).error().code).toBe('FLAG_INVALID')
    expect((await here.run(['compact', '--grace', 'soon', '--json'])).error().code).toBe('DURATION_INVALID')
  })
})
