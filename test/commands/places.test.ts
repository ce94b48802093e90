import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {FAKE_CLAUDE} from '../hostile/support/sandbox.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {message, SESSION} from '../support/sync-worker.js'

async function homeWithSession(): Promise<CliHome> {
  const here = await makeCliHome()
  const dir = join(here.home, '.claude', 'projects', await projectKeyFor(here.cwd))
  await mkdir(dir, {recursive: true})
  await writeFile(join(dir, `${SESSION}.jsonl`), message(1))
  return here
}

describe.runIf(process.platform === 'linux')('a place where no directory can be made', {timeout: 20_000}, () => {
  test('as the store: exit 5, and it is empty to readers', async () => {
    await using here = await homeWithSession()
    const pushed = await here.run(['push', SESSION, '--store', '/proc/none'])
    expect(pushed).toMatchObject({exitCode: 5, stdout: expect.stringContaining('ACCESS_DENIED')})
    expect(await here.run(['ls', '--store', '/proc/none'])).toMatchObject({exitCode: 0})
  })

  test('as the target of a pull: exit 5', async () => {
    await using here = await homeWithSession()
    expect((await here.run(['push', SESSION])).exitCode).toBe(0)
    const pulled = await here.run(['pull', SESSION, '--to', '/proc/none', '--json'])
    expect(pulled).toMatchObject({exitCode: 5})
    expect(pulled.error()).toMatchObject({code: 'TARGET_NOT_WRITABLE', message: expect.stringContaining('/proc/none')})
  })

  test('for the state of a session that is stored while it is written: said, and no more', async () => {
    await using here = await makeCliHome()
    const env = {XDG_STATE_HOME: '/proc/none'}
    const ran = await here.run(['run', '--task', 'T', '--claude-bin', FAKE_CLAUDE], {env})
    expect(ran).toMatchObject({exitCode: 0, stdout: ''})
    expect(ran.stderr).toMatch(/^reprise: what is known of this session cannot be kept in \/proc\/none\S+: ENOENT\n$/)
    expect(await here.run(['resume', 'T', '--claude-bin', FAKE_CLAUDE], {env})).toMatchObject({exitCode: 0})
    const {sessions} = (await here.run(['ls', '--json'])).result() as {sessions: readonly {entries: number}[]}
    expect(sessions.map(({entries}) => entries)).toEqual([6])
  })

  test('for the state: exit 5', async () => {
    await using here = await homeWithSession()
    const pushed = await here.run(['push', SESSION], {env: {XDG_STATE_HOME: '/proc/none'}})
    expect(pushed).toMatchObject({exitCode: 5, stdout: expect.stringContaining('STATE_UNWRITABLE')})
  })
})

test.each([['ls'], ['status'], ['push'], ['pull', SESSION]])(
  '%s: a store that is a file is an error',
  async (...argv) => {
    await using here = await homeWithSession()
    const path = join(here.home, 'file')
    await writeFile(path, 'kept')
    const ran = await here.run([...argv, '--store', path])
    expect(ran.exitCode).toBe(2)
    expect(ran.stdout + ran.stderr).toContain(`${path} is a file`)
    expect(ran.stdout + ran.stderr).toContain('Name a directory')
  },
)

test('status: what could not be found out is not stored, and is no success without --exit-code either', async () => {
  await using here = await homeWithSession()
  const store = join(here.home, 'store')
  await mkdir(join(store, '.reprise', 'home'), {recursive: true})
  await writeFile(join(store, '.reprise', 'home', SESSION), 'no/key')
  expect((await here.run(['status', '--exit-code', '--store', store])).exitCode).toBe(6)
  const ran = await here.run(['status', '--store', store])
  expect(ran).toMatchObject({exitCode: 7, stdout: expect.stringContaining('HOME_DAMAGED')})
})
