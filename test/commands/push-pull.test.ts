import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {message} from '../support/sync-worker.js'

const ID = 'abcdef01-2222-4333-8444-555555555555'

async function write({home, cwd}: CliHome, content: string, id = ID): Promise<string> {
  const dir = join(home, '.claude', 'projects', await projectKeyFor(cwd))
  await mkdir(dir, {recursive: true})
  const path = join(dir, `${id}.jsonl`)
  await writeFile(path, content)
  return path
}

async function pathHere({home, cwd}: CliHome, id = ID): Promise<string> {
  return join(home, '.claude', 'projects', await projectKeyFor(cwd), `${id}.jsonl`)
}

describe('reprise push and pull', () => {
  test('move a session between two homes', async () => {
    await using a = await makeCliHome()
    await using b = await makeCliHome()
    const store = ['--store', join(a.home, 'shared')]
    await write(a, message(1) + message(2))
    const pushed = await a.run(['push', '--json', '--task', 'T-1', ...store])
    expect(pushed.exitCode).toBe(0)
    expect(pushed.stderr).toBe('')
    expect(pushed.result()).toEqual({
      sessions: [
        {
          sessionId: ID,
          projectKey: await projectKeyFor(a.cwd),
          action: 'pushed',
          bytesUploaded: (message(1) + message(2)).length,
          partsCreated: 1,
          entries: 2,
        },
      ],
      totals: {
        sessions: 1,
        actions: {pushed: 1},
        bytesUploaded: (message(1) + message(2)).length,
        partsCreated: 1,
        entries: 2,
      },
    })
    const pulled = await b.run(['pull', 'T-1', '--json', ...store])
    expect(pulled.exitCode).toBe(0)
    expect(pulled.result()).toMatchObject({
      sessions: [{sessionId: ID, action: 'pulled', path: await pathHere(b), entries: 2}],
      totals: {sessions: 1, actions: {pulled: 1}},
    })
    expect(await readFile(await pathHere(b), 'utf8')).toBe(message(1) + message(2))
  })

  test('people read one line a session on stdout and the progress on stderr', async () => {
    await using a = await makeCliHome()
    await write(a, message(1))
    const first = await a.run(['push'])
    expect(first.stdout).toBe(`${ID}  pushed (1 entry, ${message(1).length} B)\n`)
    expect(first.stderr).toMatch(/^✔ Pushed 1 session to file:\/\/.*\n$/)
    const second = await a.run(['push', '--quiet'])
    expect([second.stdout, second.stderr]).toEqual(['1 unchanged\n', ''])
  })

  test('nothing here is no failure, and says what to do', async () => {
    await using a = await makeCliHome()
    expect(await a.run(['push', '--quiet'])).toMatchObject({exitCode: 0, stderr: ''})
    const {stdout} = await a.run(['pull', '--quiet'])
    expect(stdout).toContain('reprise ls')
  })

  test('a dry run leaves no trace', async () => {
    await using a = await makeCliHome()
    await write(a, message(1))
    const {exitCode, stdout} = await a.run(['push', '--dry-run'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('Nothing was written')
    expect((await readdir(a.home)).toSorted()).toEqual(['.claude'])
  })

  test('diverged: exit code 4, both sides named; --fork goes on under a new id', async () => {
    await using a = await makeCliHome()
    await using b = await makeCliHome()
    const store = ['--store', join(a.home, 'shared')]
    await write(a, message(1))
    await a.run(['push', ...store])
    await b.run(['pull', ID, ...store])
    await write(a, message(1) + message('a'))
    await write(b, message(1) + message('b'))
    await a.run(['push', ...store])
    const refused = await b.run(['push', ...store])
    expect(refused.exitCode).toBe(4)
    expect(refused.stdout).toContain('[SESSION_DIVERGED]')
    expect(refused.stdout).toContain('--merge')
    const forked = await b.run(['push', '--fork', '--json', ...store])
    expect(forked.exitCode).toBe(0)
    expect(forked.result()).toMatchObject({sessions: [{sessionId: ID, action: 'forked'}]})
  })

  test('--to restores into another config dir', async () => {
    await using a = await makeCliHome()
    await write(a, message(1))
    await a.run(['push'])
    const {exitCode} = await a.run(['pull', '--all', '--to', 'copy'])
    expect(exitCode).toBe(0)
    const path = join(a.cwd, 'copy', 'projects', await projectKeyFor(a.cwd), `${ID}.jsonl`)
    expect(await readFile(path, 'utf8')).toBe(message(1))
  })

  test('--secrets block uploads nothing and exits 7, from the environment too; warnings stand in the envelope', async () => {
    await using a = await makeCliHome()
    const secret = 'wJ4lrXUtnFEMI0K7MDENGbPxRfiCY2zAbCdEf9Gh'
    await write(a, message(1, `AWS_SECRET_ACCESS_KEY=${secret}`))
    const blocked = await a.run(['push', '--json'], {env: {REPRISE_SECRETS: 'block'}})
    expect(blocked.exitCode).toBe(7)
    expect(blocked.result()).toMatchObject({sessions: [{action: 'failed', error: {code: 'SECRETS_FOUND'}}]})
    expect(blocked.stdout).not.toContain(secret)
    const warned = await a.run(['push', '--json'])
    expect(warned.exitCode).toBe(0)
    expect(warned.warnings()).toMatchObject([{code: 'SECRETS_FOUND'}])
    expect(warned.stdout).not.toContain(secret)
  })

  test('usage: --merge and --fork exclude each other, a task is for one session', async () => {
    await using a = await makeCliHome()
    expect((await a.run(['push', '--merge', '--fork'])).exitCode).toBe(2)
    await write(a, message(1))
    await write(a, message(1), ID.replace('abcdef01', 'abcdef02'))
    expect((await a.run(['push', '--task', 'T', '--json'])).error()).toMatchObject({code: 'ONE_SESSION_NEEDED'})
    expect((await a.run(['push', 'abcdef0'])).exitCode).toBe(2)
    expect((await a.run(['push', 'nowhere'])).exitCode).toBe(3)
  })

  test('globs match project key, id and cwd', async () => {
    await using a = await makeCliHome()
    const entry = `${JSON.stringify({type: 'user', uuid: 'u', cwd: '/srv/shop/api', message: {role: 'user'}})}\n`
    await write(a, entry)
    await write(a, message(1), ID.replace('abcdef01', '12345678'))
    const ids = async (...argv: string[]) => {
      const run = await a.run(['push', '--all', '--dry-run', '--json', ...argv])
      return (run.result() as {sessions: {sessionId: string}[]}).sessions.map(({sessionId}) => sessionId.slice(0, 8))
    }
    expect(await ids('--include', '/srv/shop/**')).toEqual(['abcdef01'])
    expect(await ids('--exclude', '/srv/*/api')).toEqual(['12345678'])
    expect(await ids('--include', '1234*')).toEqual(['12345678'])
    expect(await ids('--include', '-*reprise-cli-*')).toHaveLength(2)
    expect(await ids('--since', '1h')).toHaveLength(2)
    expect(await ids('--include', 'nothing')).toEqual([])
  })
})
