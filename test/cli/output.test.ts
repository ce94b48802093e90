import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'

const FIXTURE = fileURLToPath(new URL('fixture/run.js', import.meta.url))

let cli: CliHome

beforeEach(async () => {
  cli = await makeCliHome(FIXTURE)
})

afterEach(async () => {
  await cli[Symbol.asyncDispose]()
})

describe('results', () => {
  test('stdout carries the result alone; steps and warnings go to stderr, without escape sequences', async () => {
    const run = await cli.run(['work', '--code', '6'])
    expect(run.exitCode).toBe(6)
    expect(run.stdout).toBe(`${'x'.repeat(79)}\n`)
    expect(run.stderr).toBe('✔ first step done\n✖ second step\nWarning: something odd\n')
  })

  test('--quiet keeps stderr empty', async () => {
    const run = await cli.run(['work', '--quiet'])
    expect([run.exitCode, run.stderr]).toEqual([0, ''])
    expect(run.stdout).toHaveLength(80)
  })

  test('--json puts result and warnings in one envelope and nothing on stderr', async () => {
    const run = await cli.run(['work', '--json', '--code', '4'])
    expect([run.exitCode, run.stderr]).toEqual([4, ''])
    expect(Object.keys(JSON.parse(run.stdout))).toEqual(['status', 'result', 'warnings'])
    expect(run.result()).toMatchObject({
      puts: 1,
      owner: {pid: expect.any(Number), machine: expect.stringMatching(/./u)},
    })
    expect(run.warnings()).toEqual([{code: 'ODD', message: 'something \u001B[31modd'}])
  })

  test('a following command writes NDJSON', async () => {
    const run = await cli.run(['work', '--json', '--follow', '3'])
    expect(
      run.stdout
        .split('\n')
        .slice(0, 3)
        .map((line) => JSON.parse(line)),
    ).toEqual([{line: 0}, {line: 1}, {line: 2}])
  })

  test('a result larger than a pipe holds arrives whole', async () => {
    expect((await cli.run(['work', '--lines', '20000'])).stdout).toHaveLength(80 * 20_000)
  })
})

describe('the reader goes away', () => {
  test.for([['--lines'], ['--follow']] as const)('%s: a quiet exit 0', async ([flag]) => {
    const child = cli.start(['work', '--quiet', flag, '300000'])
    child.stdout.once('data', () => child.stdout.destroy())
    const {exitCode, stderr} = await child
    expect([exitCode, stderr]).toEqual([0, ''])
  })
})

describe('signals', () => {
  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends the command in order with %i', async ([signal, code]) => {
    const child = cli.start(['wait'])
    child.stderr.once('data', () => child.kill(signal))
    const {exitCode, stderr} = await child
    expect(exitCode).toBe(code)
    expect(stderr).toBe(
      `waiting\ncleaned up last registered\ncleaned up first registered\n` +
        `Error: Stopped by ${signal}. [INTERRUPTED]\n  → Run the same command again: it goes on from what is done.\n`,
    )
  })
})

describe('the log', () => {
  test('--verbose tells every store call on stderr as text', async () => {
    const run = await cli.run(['work', '--verbose'])
    expect(run.stderr).toMatch(/\d\d:\d\d:\d\d\.\d{3} debug store put key=k bytes=5 ms=\d+ attempt=1 outcome=ok\n/u)
  })

  test('--log-file takes it instead, as JSON, for the owner alone, with secrets masked', async () => {
    const path = join(cli.cwd, 'run.log')
    const run = await cli.run(['work', '--log-file', 'run.log'])
    expect(run.stderr).not.toContain('store put')
    const text = await readFile(path, 'utf8')
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({
      level: 'debug',
      msg: 'store put',
      key: 'k',
      bytes: 5,
      attempt: 1,
      ms: expect.any(Number),
    })
    expect(lines[1]).toMatchObject({level: 'info', msg: 'done', secretAccessKey: '***'})
    expect(text).not.toContain('AKIAIOSFODNN7EXAMPLE')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await cli.run(['work', '--log-file', 'run.log', '--log-format', 'text'])
    expect(await readFile(path, 'utf8')).toMatch(/^\{[\s\S]*\n\d\d:\d\d:\d\d/u)
  })

  test('a log that cannot be written is said before anything is done', async () => {
    const run = await cli.run(['work', '--json', '--log-file', 'missing/run.log'])
    expect([run.exitCode, run.error().code]).toEqual([5, 'LOG_FILE_UNWRITABLE'])
  })
})

describe('questions', () => {
  test('without a terminal a question is an error that names the flag', async () => {
    const run = await cli.run(['nested', 'ask', '--json'], {input: 'y\n'})
    expect(run.exitCode).toBe(2)
    expect(run.error()).toMatchObject({code: 'INPUT_NEEDED', suggestions: ['Give --yes.']})
    expect((await cli.run(['nested', 'ask', '--yes'])).stdout).toBe('deleted\n')
  })
})
