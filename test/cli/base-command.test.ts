import {mkdir, readFile, stat, writeFile} from 'node:fs/promises'
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

const settingsOf = async (argv: readonly string[], env: Record<string, string> = {}) => {
  const run = await cli.run(['settings', '--json', ...argv], {env})
  return run.result() as {
    settings: Record<string, unknown>
    own: Record<string, unknown>
    directories: Record<string, string>
  }
}
const configure = async (config: unknown) => {
  await mkdir(join(cli.home, '.config/reprise'), {recursive: true})
  const path = join(cli.home, '.config/reprise/config.json')
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config))
  return path
}

describe('errors', () => {
  test.for([
    ['bug', 1],
    ['usage', 2],
    ['not-found', 3],
    ['conflict', 4],
    ['permission', 5],
    ['unreachable', 6],
    ['bad-data', 7],
    ['interrupted', 130],
  ] as const)('an error of kind %s exits %i, with and without --json', async ([kind, code]) => {
    const text = await cli.run(['fail', '--kind', kind])
    expect([text.exitCode, text.stdout]).toEqual([code, ''])
    expect(text.stderr).toContain('It did not work. [MADE_UP]\n  → Try again.\n  → Ask.\n')
    const json = await cli.run(['fail', '--kind', kind, '--json'])
    expect([json.exitCode, json.stderr]).toEqual([code, ''])
    expect(json.error()).toMatchObject({
      kind,
      code: 'MADE_UP',
      suggestions: expect.arrayContaining(['Try again.', 'Ask.']),
    })
  })

  test('a crash says where the log is, shows no stack, and logs it for the owner alone', async () => {
    const run = await cli.run(['fail', '--kind', 'crash', '--message', 'token sk-ant-abcdefghijklmnop'])
    expect(run.exitCode).toBe(1)
    expect(run.stderr).not.toMatch(/\bat .*\.js/u)
    expect(run.stderr).not.toContain('abcdefgh')
    const log = join(cli.home, '.local/state/reprise/error.log')
    expect(run.stderr).toContain(log)
    const content = await readFile(log, 'utf8')
    expect(content).toMatch(/TypeError: .*\n\s+at .*fail\.js/u)
    expect(content).toContain('caused by: Error: the cause')
    expect(content).not.toContain('abcdefgh')
    expect((await stat(log)).mode & 0o777).toBe(0o600)
  })

  test('--verbose shows the stack', async () => {
    const run = await cli.run(['fail', '--kind', 'crash', '--verbose'])
    expect(run.stderr).toMatch(/at .*fail\.js/u)
  })

  test('what a store or transcript put into a message cannot reach the terminal as an escape sequence', async () => {
    const run = await cli.run(['fail', '--kind', 'bad-data', '--message', 'key \u001B]0;owned\u0007 \u202Etxt'])
    for (const control of ['\u001B', '\u0007', '\u202E']) expect(run.stderr).not.toContain(control)
  })
})

describe('usage', () => {
  test.for([
    [['fail', '--kin', 'x'], 'FLAG_UNKNOWN'],
    [['fail'], 'FLAG_INVALID'],
    [['settings', 'a', 'b'], 'ARGUMENT_UNEXPECTED'],
    [['settings', '--secrets', 'maybe'], 'FLAG_INVALID'],
    [['nope'], 'COMMAND_UNKNOWN'],
  ] as const)('%j exits 2 with a next step', async ([argv, code]) => {
    const text = await cli.run(argv)
    expect([text.exitCode, text.stdout]).toEqual([2, ''])
    expect(text.stderr).toMatch(new RegExp(`\\[${code}\\]\\n(  → .*\\n)*  → See fixture .*--help\\.\\n$`, 'u'))
    const json = await cli.run([...argv, '--json'])
    expect([json.exitCode, json.stderr]).toEqual([2, ''])
    expect(json.error()).toMatchObject({kind: 'usage', code})
    expect(json.stdout.split('\n')).toHaveLength(2)
  })

  test('the nearest command is named', async () => {
    const run = await cli.run(['setings', '--json'])
    expect(run.error().suggestions).toEqual(['Did you mean fixture settings?', 'See fixture --help.'])
  })

  test('--json after -- is not ours', async () => {
    expect((await cli.run(['settings', 'a', '--', 'b', '--json'])).stdout).toBe('')
  })

  test('stdin is left alone when an argument is missing', async () => {
    const run = await cli.run(['settings', '--json'], {input: 'from stdin\n'})
    expect(run.result()).toMatchObject({args: {}})
  })
})

describe('settings', () => {
  test('flag before environment before config.json before default', async () => {
    expect((await settingsOf([])).settings['concurrency']).toBe(64)
    await configure({concurrency: 7, store: ['s3://config/a', 's3://config/b']})
    const {settings} = await settingsOf([])
    expect(settings).toMatchObject({concurrency: 7, stores: ['s3://config/a', 's3://config/b']})
    expect((await settingsOf([], {REPRISE_CONCURRENCY: '8'})).settings['concurrency']).toBe(8)
    expect((await settingsOf(['--concurrency', '9'], {REPRISE_CONCURRENCY: '8'})).settings['concurrency']).toBe(9)
  })

  test('without anything the store is a file store in the data directory', async () => {
    const {settings, directories} = await settingsOf([])
    expect(settings['stores']).toEqual([`file://${cli.home}/.local/share/reprise/store`])
    expect(directories['state']).toBe(join(cli.home, '.local/state/reprise'))
  })

  test('a file in the project is never read', async () => {
    for (const name of ['config.json', '.reprise.json', 'reprise.json', '.repriserc']) {
      await writeFile(join(cli.cwd, name), JSON.stringify({store: 's3://evil/x', reprise: {store: 's3://evil/x'}}))
    }
    expect((await settingsOf([])).settings['stores']).toEqual([`file://${cli.home}/.local/share/reprise/store`])
  })

  test('a command of its own flags takes variables too, several by commas', async () => {
    const env = {REPRISE_TASK: 'T1', REPRISE_INCLUDE: 'a,b', REPRISE_DRY_RUN: '1', REPRISE_SECRETS: 'block'}
    const {own} = await settingsOf([], env)
    expect(own).toEqual({task: 'T1', include: ['a', 'b'], dryRun: true, secrets: 'block'})
    expect((await settingsOf(['--secrets', 'off'], env)).own['secrets']).toBe('off')
  })

  test('what lowers safety has no variable', async () => {
    const {settings, own} = await settingsOf([], {REPRISE_INSECURE: '1', REPRISE_FORCE: '1'})
    expect([settings['insecure'], own['force']]).toEqual([false, undefined])
    await configure({insecure: true})
    expect((await cli.run(['settings', '--json'])).error().code).toBe('CONFIG_INVALID')
  })

  test('AWS_S3_ENDPOINT sets the endpoint; our own flag and variable win, config.json does not', async () => {
    await configure({'endpoint-url': 'http://127.0.0.1:1'})
    const env = {AWS_S3_ENDPOINT: 'http://127.0.0.1:2'}
    expect((await settingsOf([])).settings['endpointUrl']).toBe('http://127.0.0.1:1')
    expect((await settingsOf([], env)).settings['endpointUrl']).toBe('http://127.0.0.1:2')
    const own = {...env, REPRISE_ENDPOINT_URL: 'http://127.0.0.1:3'}
    expect((await settingsOf([], own)).settings['endpointUrl']).toBe('http://127.0.0.1:3')
    expect((await settingsOf(['--endpoint-url', 'http://h'], own)).settings['endpointUrl']).toBe('http://h')
  })

  test.for([
    [['--timeout', 'soon'], {}, '--timeout'],
    [[], {REPRISE_RETRIES: '-1'}, 'REPRISE_RETRIES'],
    [[], {REPRISE_QUIET: 'ture'}, 'REPRISE_QUIET'],
    [[], {REPRISE_SECRETS: 'maybe'}, 'REPRISE_SECRETS'],
    [['--addressing', 'sideways'], {}, '--addressing'],
    [['--endpoint-url', 'localhost:9000'], {}, '--endpoint-url'],
    [['--registry', 'mysql://x'], {}, '--registry'],
    [['--expected-bucket-owner', 'me'], {}, '--expected-bucket-owner'],
    [['--store', ''], {}, '--store'],
  ] as const)('%j %j is refused, naming the source', async ([argv, env, source]) => {
    const run = await cli.run(['settings', '--json', ...argv], {env})
    expect([run.exitCode, run.error().kind]).toEqual([2, 'usage'])
    expect(run.error().message.startsWith(`${source}: `)).toBe(true)
  })

  test.for([
    ['{"concurrency": "many"}', 'concurrency'],
    ['{"quiet": "yes"}', 'quiet'],
    ['{"store": [1]}', 'store'],
    ['{"stroe": "x"}', 'stroe'],
    ['[]', 'object'],
    ['{', 'JSON'],
  ] as const)('config.json %s is refused, naming the file and %s', async ([text, word]) => {
    const path = await configure(text)
    const run = await cli.run(['settings', '--json'])
    expect(run.exitCode).toBe(2)
    expect(run.error().message).toContain(path)
    expect(run.error().message).toContain(word)
  })
})
