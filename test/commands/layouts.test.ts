import {chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {OTHER, SESSION, turn} from '../layouts/support/claude-lines.js'
import {FORK, rollout, rolloutName, THREAD} from '../layouts/support/rollouts.js'
import type {Files} from '../layouts/support/foreign.js'
import {openAt} from '../object-store/s3/support.js'
import {makeCliHome} from '../support/run-reprise.js'
import {startStrictS3} from '../support/strict-s3/index.js'

const PARENT = rollout({prompt: 'begin the shop'})
const FORKED = rollout({sessionId: FORK, prompt: 'the other way', base: {sessionId: THREAD, bytes: PARENT.length}})
const PARENT_PATH = `sessions/2026/03/04/${rolloutName()}`
const FORK_NAME = rolloutName(FORK, '2026-03-05T05-06-07')
const FORK_PATH = `sessions/2026/03/05/${FORK_NAME}`

const TEAM: Files = {
  [`team/box-1/raw/claude/-code-shop/${SESSION}.jsonl`]: turn(1, 'mend the shop'),
  [`team/box-1/raw/claude/-code-shop/${SESSION}/subagents/agent-a.jsonl`]: turn('s'),
  [`team/box-2/raw/codex/${PARENT_PATH}`]: PARENT,
  [`team/box-2/raw/codex/${FORK_PATH}`]: FORKED,
}
const BACKUPS: Files = {[`user_data/ann/.claude/projects/-home-ann/${OTHER}.jsonl`]: turn(1, 'of ann')}

/**
 * Tells what it was started with, and whether what it was told to go on in lies where the real one looks: for codex with all that a fork
 * rests on.
 */
const FAKE_AGENT = `#!${process.execPath}
const {readdirSync, readFileSync, existsSync} = require('node:fs')
const {join} = require('node:path')
const args = process.argv.slice(2)
const home = process.env.CODEX_HOME ?? join(process.env.HOME, '.codex')
const rollouts = existsSync(home) ? readdirSync(join(home, 'sessions'), {recursive: true}) : []
const chain = []
for (let id = args[args.indexOf('resume') + 1]; id; ) {
  const name = rollouts.find((each) => each.endsWith(id + '.jsonl'))
  if (!name) { chain.push('MISSING ' + id); break }
  const first = JSON.parse(readFileSync(join(home, 'sessions', name), 'utf8').split('\\n')[0])
  chain.push(name)
  id = first.payload.history_base?.thread_id
}
console.log(JSON.stringify({args, chain, cwd: process.cwd()}))
process.exitCode = 7
`

/** A bucket with what other programs copied, and a home with agents on PATH. */
async function setUp(files: Files = {...TEAM, ...BACKUPS}) {
  const [cli, server, bin] = await Promise.all([
    makeCliHome(),
    startStrictS3(),
    mkdtemp(join(tmpdir(), 'reprise-agents-')),
  ])
  const bucket = await openAt(server)
  for (const [key, content] of Object.entries(files)) {
    await bucket.put(key, Buffer.from(content), {mode: {type: 'overwrite'}})
  }
  for (const name of ['codex', 'claude']) {
    await writeFile(join(bin, name), FAKE_AGENT)
    await chmod(join(bin, name), 0o755)
  }
  const project = join(cli.home, 'work')
  await mkdir(project)
  const env = {
    PATH: `${bin}:${cli.env['PATH']}`,
    REPRISE_ENDPOINT_URL: server.endpoint,
    REPRISE_REGION: server.region,
    AWS_ACCESS_KEY_ID: server.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
  }
  const before = server.requests.entries.length
  const run = async (...argv: string[]) => cli.run(argv, {cwd: project, env})
  return {
    cli,
    server,
    bucket,
    project,
    env,
    run,
    /** What reprise wrote to the bucket. */
    written: () => server.requests.entries.slice(before).filter(({method}) => method !== 'GET' && method !== 'HEAD'),
    url: (path: string) => ['--store', `s3://${server.bucket}/${path}`],
    async rows(...argv: string[]) {
      return ((await run('ls', '--json', ...argv)).result() as {sessions: Record<string, unknown>[]}).sessions
    },
    async [Symbol.asyncDispose]() {
      await bucket.close()
      await server.close()
      await cli[Symbol.asyncDispose]()
      await rm(bin, {recursive: true, force: true})
    },
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, {recursive: true, withFileTypes: true}).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted()
}

describe('reprise ls over layouts of others', () => {
  test('tells agent and machine, as a table and as JSON, and writes nothing there', async () => {
    await using at = await setUp()
    const {stdout} = await at.run('ls', ...at.url('team'))
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(head).toMatch(/^SESSION +ACTIVE +TITLE +AGENT +CWD +MACHINE/)
    expect(lines.map((line) => /(claude|codex) .*(box-\d)/.exec(line)?.slice(1))).toEqual([
      ['codex', 'box-2'],
      ['codex', 'box-2'],
      ['claude', 'box-1'],
    ])
    expect(await at.rows(...at.url('team'), '--machine', 'box-1')).toEqual([
      {
        sessionId: SESSION,
        projectKey: '-code-shop',
        agent: 'claude',
        firstPrompt: 'mend the shop',
        cwd: '/code/shop',
        machine: 'box-1',
        entries: 2,
        messages: 2,
        bytes: turn(1, 'mend the shop').length,
        createdAt: '2026-01-02T03:04:05.000Z',
        updatedAt: '2026-01-02T03:04:05.000Z',
        store: `s3://${at.server.bucket}/team`,
        uri: `s3://${at.server.bucket}/team/box-1/raw/claude/-code-shop/${SESSION}.jsonl`,
        source: 'raw',
      },
    ])
    expect((await at.rows(...at.url('team'), '--agent', 'codex')).map(({firstPrompt}) => firstPrompt)).toEqual([
      'begin the shop',
      'the other way',
    ])
    expect(at.written()).toEqual([])
  })

  test('merges several stores of several layouts', async () => {
    await using at = await setUp()
    const own = ['--store', join(at.cli.home, 'own')]
    await mkdir(join(at.cli.home, '.claude/projects/-x'), {recursive: true})
    const mine = '33333333-2222-4333-8444-555555555555'
    await writeFile(join(at.cli.home, `.claude/projects/-x/${mine}.jsonl`), turn(1, 'my own'))
    await at.run('push', '--all', ...own)
    const rows = await at.rows(...own, ...at.url('team'), ...at.url('user_data'))
    expect(new Set(rows.map(({source, sessionId}) => `${String(source)} ${String(sessionId)}`))).toEqual(
      new Set([`store ${mine}`, `raw ${SESSION}`, `raw ${THREAD}`, `raw ${FORK}`, `claude-dir ${OTHER}`]),
    )
  })

  test('a layout that is named is the only one that is read; one that cannot be is refused', async () => {
    await using at = await setUp()
    const ids = async (...argv: string[]) => (await at.rows(...argv)).map(({sessionId}) => sessionId)
    expect(await ids(...at.url(''), '--layout', 'claude-dir')).toEqual([OTHER])
    expect(await ids(...at.url(''), '--layout', 'raw', '--agent', 'claude')).toEqual([SESSION])
    expect(await ids(...at.url('team'), '--layout', 'reprise')).toEqual([])
    expect((await at.run('ls', '--json', ...at.url('team'), '--layout', 'local')).error()).toMatchObject({
      code: 'LAYOUT_INVALID',
    })
    expect((await at.run('ls', '--layout', 'other')).exitCode).toBe(2)
  })

  test('names that could lead elsewhere are left out, with a warning; escape sequences do not reach the terminal', async () => {
    await using at = await setUp({
      ...TEAM,
      [`team/box-1/raw/claude/-x\u001b[2J/${OTHER}.jsonl`]: turn(1),
      [`team/box-3/raw/claude/-y/${OTHER}.jsonl`]: turn(1, '\u001b]0;owned\u0007title'),
    })
    const listed = await at.run('ls', '--json', ...at.url('team'))
    expect(listed.warnings()).toMatchObject([{code: 'KEYS_LEFT_OUT'}])
    const {stdout, stderr} = await at.run('ls', ...at.url('team'))
    expect(stdout + stderr).not.toContain('\u001b')
    expect(stdout).toContain('title')
  })

  test('--local lists the sessions of both agents', async () => {
    await using at = await setUp()
    const path = join(at.cli.home, '.codex', PARENT_PATH)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, PARENT)
    expect(await at.rows('--local')).toMatchObject([{agent: 'codex', sessionId: THREAD, path, source: 'local'}])
    expect(await at.rows('--store', join(at.cli.home, '.codex'))).toMatchObject([{sessionId: THREAD, source: 'local'}])
  })
})

describe('reprise pull from layouts of others', () => {
  test('restores a session of Claude under this directory, and leaves no mirror behind', async () => {
    await using at = await setUp()
    const pulled = (await at.run('pull', '--json', SESSION.slice(0, 6), ...at.url('team'))).result()
    expect(pulled).toMatchObject({sessions: [{sessionId: SESSION, action: 'pulled'}], totals: {sessions: 1}})
    const [key = '', ...others] = await readdir(join(at.cli.home, '.claude/projects'))
    expect([key.endsWith('-work'), others]).toEqual([true, []])
    expect(await filesBelow(join(at.cli.home, '.claude'))).toEqual([
      `projects/${key}/${SESSION}.jsonl`,
      `projects/${key}/${SESSION}/subagents/agent-a.jsonl`,
    ])
    expect(await filesBelow(join(at.cli.home, '.cache'))).toEqual([])
    expect(at.written()).toEqual([])
  })

  test('a session is named by its URI where two machines have it', async () => {
    await using at = await setUp({...TEAM, [`team/box-9/raw/claude/-code-shop/${SESSION}.jsonl`]: turn(9)})
    const refused = (await at.run('pull', '--json', SESSION, ...at.url('team'))).error()
    expect(refused).toMatchObject({code: 'SESSION_AMBIGUOUS'})
    expect(refused.message).toContain('box-9')
    const uri = `s3://${at.server.bucket}/team/box-9/raw/claude/-code-shop/${SESSION}.jsonl`
    const {sessions} = (await at.run('pull', '--json', uri, ...at.url('team'))).result() as {
      sessions: {path: string}[]
    }
    expect(await readFile(sessions[0]!.path, 'utf8')).toBe(turn(9))
  })

  test('--all brings both agents, each into its own directory; --to into another', async () => {
    await using at = await setUp()
    expect((await at.run('pull', '--all', ...at.url('team'), '--to', './copy')).exitCode).toBe(0)
    expect(await filesBelow(join(at.project, 'copy'))).toEqual([
      `projects/-code-shop/${SESSION}.jsonl`,
      `projects/-code-shop/${SESSION}/subagents/agent-a.jsonl`,
      PARENT_PATH,
      FORK_PATH,
    ])
    expect((await at.run('pull', '--all', ...at.url('team'))).stdout).toContain('pulled')
    expect(await filesBelow(join(at.cli.home, '.codex'))).toEqual([PARENT_PATH, FORK_PATH])
  })

  test('what went on in two places is exit code 4, and others come all the same', async () => {
    await using at = await setUp()
    await at.run('pull', '--all', ...at.url('team'))
    const path = join(at.cli.home, `.claude/projects/-code-shop/${SESSION}.jsonl`)
    await writeFile(path, turn('mine'))
    await rm(join(at.cli.home, '.codex', FORK_PATH))
    const {exitCode, stdout} = await at.run('pull', '--all', '--json', ...at.url('team'))
    expect(exitCode).toBe(4)
    expect(JSON.parse(stdout).result.totals.actions).toEqual({diverged: 1, unchanged: 1, pulled: 1})
    expect(await readFile(path, 'utf8')).toBe(turn('mine'))
  })

  test('beside a store of reprise: each session from where it lies', async () => {
    await using at = await setUp()
    const stores = ['--store', join(at.cli.home, 'own'), ...at.url('team')]
    const path = join(at.cli.home, `.claude/projects/-x/${OTHER}.jsonl`)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, turn(1, 'my own'))
    await at.run('push', OTHER, ...stores)
    await rm(path)
    const {sessions} = (await at.run('pull', OTHER, SESSION, '--json', ...stores)).result() as {sessions: object[]}
    expect(sessions).toMatchObject([
      {sessionId: SESSION, action: 'pulled'},
      {sessionId: OTHER, action: 'pulled'},
    ])
    expect(at.written()).toEqual([])
  })

  test('what is not there is not found', async () => {
    await using at = await setUp()
    const {exitCode} = await at.run('pull', OTHER, ...at.url('team'))
    expect(exitCode).toBe(3)
  })
})

describe('reprise resume from layouts of others', () => {
  test('restores a fork of Codex with what it rests on, and starts codex resume with its id', async () => {
    await using at = await setUp()
    const {exitCode, stdout, stderr} = await at.run('resume', FORK, ...at.url('team'), '--', '--model', 'x')
    expect(JSON.parse(stdout)).toEqual({
      args: ['resume', FORK, '--model', 'x'],
      chain: [FORK_PATH, PARENT_PATH].map((path) => path.slice('sessions/'.length)),
      cwd: at.project,
    })
    expect(exitCode).toBe(7)
    expect(stderr).toContain('on this machine alone')
    expect(await readFile(join(at.cli.home, '.codex', PARENT_PATH), 'utf8')).toBe(PARENT)
    expect(await readFile(join(at.cli.home, '.codex', FORK_PATH), 'utf8')).toBe(FORKED)
  })

  test('codex exec resume, and CODEX_HOME', async () => {
    await using at = await setUp()
    const home = join(at.cli.home, 'elsewhere')
    const argv = ['resume', THREAD, ...at.url('team/box-2/raw/codex'), '--', 'exec', 'go on']
    const {stdout} = await at.cli.run(argv, {
      cwd: at.project,
      env: {...at.env, CODEX_HOME: home},
    })
    expect(JSON.parse(stdout)).toMatchObject({args: ['exec', 'resume', THREAD, 'go on'], chain: [expect.any(String)]})
    expect(await filesBelow(home)).toEqual([PARENT_PATH])
  })

  test('restores a session of Claude, and starts claude --resume without a lease', async () => {
    await using at = await setUp()
    const {exitCode, stdout} = await at.run('resume', SESSION, ...at.url('team'))
    expect(JSON.parse(stdout)).toMatchObject({args: ['--resume', SESSION]})
    expect(exitCode).toBe(7)
    expect(at.written()).toEqual([])
  })

  test('--latest is what was copied last', async () => {
    await using at = await setUp(TEAM)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await at.bucket.put(`team/box-9/raw/claude/-y/${OTHER}.jsonl`, Buffer.from(turn(1)), {mode: {type: 'create'}})
    const {stdout} = await at.run('resume', '--latest', ...at.url('team'))
    expect(JSON.parse(stdout)).toMatchObject({args: ['--resume', OTHER]})
  })

  test('--print restores it and shows how', async () => {
    await using at = await setUp()
    expect((await at.run('resume', THREAD, '--print', '--json', ...at.url('team'))).result()).toMatchObject({
      sessionId: THREAD,
      cwd: at.project,
      path: join(at.cli.home, '.codex', PARENT_PATH),
      argv: [expect.stringMatching(/\/codex$/), 'resume', THREAD],
      env: {},
    })
  })

  test('a codex below the project is not run, and --last is refused', async () => {
    await using at = await setUp()
    const own = join(at.project, 'bin')
    await mkdir(own)
    await writeFile(join(own, 'codex'), FAKE_AGENT)
    await chmod(join(own, 'codex'), 0o755)
    const env = {...at.env, PATH: own}
    const refused = await at.cli.run(['resume', THREAD, '--print', '--json', ...at.url('team')], {cwd: at.project, env})
    expect(refused.error()).toMatchObject({code: 'CODEX_NOT_FOUND'})
    const last = await at.run('resume', THREAD, ...at.url('team'), '--', '--last')
    expect([last.exitCode, last.stderr]).toEqual([2, expect.stringContaining('CODEX_ARGUMENT_REFUSED')])
    expect(await filesBelow(join(at.cli.home, '.codex'))).toEqual([])
  })
})
