import {createHash} from 'node:crypto'
import {appendFile, mkdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {describe, expect, test} from 'vitest'
import {openPlace, type PlaceName} from '../e2e/support/places.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {SESSION} from '../support/sync-worker.js'
import {TranscriptLines} from '../support/transcript-lines.js'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const KEY = '-code-shop'
const OTHER = '22222222-2222-4333-8444-555555555555'

function conversation(sessionId = SESSION): TranscriptLines {
  return new TranscriptLines(sessionId)
    .prompt('Fix the tax.', {cwd: '/code/shop', version: '2.1.0'})
    .call('m1', 'c1', 'Agent', {prompt: 'look', description: 'find it', subagent_type: 'Explore'})
    .result('c1', 'found', {toolUseResult: {agentId: 'a1'}})
    .say('m2', 'Fixed.')
    .prompt('Thanks.')
    .say('m3', 'Welcome.')
}

async function write(cli: CliHome, text: string | Uint8Array, sessionId = SESSION, below = ''): Promise<string> {
  const path = join(cli.home, '.claude', 'projects', KEY, `${sessionId}${below}.jsonl`)
  await mkdir(dirname(path), {recursive: true})
  await writeFile(path, text)
  return path
}

const SUBAGENT = new TranscriptLines(SESSION).prompt('look').say('s1', 'in cart.ts').text()

describe.each<PlaceName>(['file', 's3'])('a session in a place of kind %s', {timeout: 60_000}, (kind) => {
  test('is shown, as text, as JSON, as lines, and its bytes given', async () => {
    await using cli = await makeCliHome()
    await using place = await openPlace(kind, cli.home)
    const {env} = place
    const text = conversation().text()
    await write(cli, text)
    await write(cli, SUBAGENT, SESSION, '/subagents/agent-a1')
    expect((await cli.run(['push', SESSION], {env})).exitCode).toBe(0)

    const shown = await cli.run(['show', SESSION], {env})
    expect(shown).toMatchObject({exitCode: 0, stderr: ''})
    expect(shown.stdout.replaceAll(/(?:s3|file):\/\/\S+/g, 'STORE')).toMatchInlineSnapshot(`
      "11111111-2222-4333-8444-555555555555
      /code/shop · claude 2.1.0 · 2026-11-21 12:00:01 · STORE

      #1  2026-11-21 12:00:01
      ❯ Fix the tax.

      ● Agent Explore: find it
        │ subagent Explore: find it
        │ ❯ look
        │ in cart.ts

      Fixed.

      #2  2026-11-21 12:00:05
      ❯ Thanks.

      Welcome.

      2 turns, 4 answers, 1 tool call, 1 subagent
      tokens: 40 in, 20 out, 400 from cache, 4 to cache; context 111
      models: claude-test-1
      "
    `)
    expect((await cli.run(['show', SESSION, '--tail', '1'], {env})).stdout).not.toContain('Fixed.')

    const result = (await cli.run(['show', SESSION, '--json'], {env})).result()
    expect(result).toMatchObject({
      sessions: [{sessionId: SESSION, agent: 'claude', cwd: '/code/shop', source: 'store', branchesBeside: 0}],
      messages: [
        {role: 'user', content: 'Fix the tax.', sessionId: SESSION, timestamp: '2026-11-21T12:00:01.000Z'},
        {role: 'assistant', content: '', toolCalls: [{name: 'Agent', result: {content: 'found', isError: false}}]},
        {role: 'assistant', content: 'Fixed.'},
        {role: 'user', content: 'Thanks.'},
        {role: 'assistant', content: 'Welcome.', id: 'm3', model: 'claude-test-1'},
      ],
      subagents: [{agentId: 'a1', type: 'Explore', messages: [{content: 'look'}, {content: 'in cart.ts'}]}],
      totals: {turns: 2, prompts: 2, answers: 4, toolCalls: 1, tokens: {input: 40, output: 20}, contextTokens: 111},
      missing: [],
    })

    expect((await cli.run(['cat', SESSION], {env})).stdout).toBe(text)
    expect((await cli.run(['show', SESSION, '--raw'], {env})).stdout).toBe(text)
    expect((await cli.run(['show', SESSION, '--raw', '--tail', '1'], {env})).stdout).toBe(
      text.split('\n').at(-2) + '\n',
    )
    expect((await cli.run(['cat', SESSION, '--subagent', 'a'], {env})).stdout).toBe(SUBAGENT)
    const bytes = (await cli.run(['cat', SESSION, '--json'], {env})).result() as {base64: string}
    expect(bytes).toMatchObject({sessionId: SESSION, source: 'store', bytes: text.length})
    expect(Buffer.from(bytes.base64, 'base64').toString()).toBe(text)
    const missing = await cli.run(['cat', SESSION, '--subagent', 'b', '--json'], {env})
    expect([missing.exitCode, missing.error().code]).toEqual([3, 'SUBAGENT_NOT_FOUND'])
  })

  test('is followed: what is stored meanwhile, and nothing twice', async () => {
    await using cli = await makeCliHome()
    await using place = await openPlace(kind, cli.home)
    const {env} = place
    const lines = new TranscriptLines(SESSION).prompt('one').say('m1', 'first')
    const path = await write(cli, lines.text())
    await cli.run(['push', SESSION], {env})
    const [text, json] = [[], ['--json']].map((more) => cli.start(['show', SESSION, '--follow', ...more], {env}))
    const outputs = [text!, json!].map((run) => {
      const seen = {text: ''}
      run.stdout?.on('data', (chunk: Buffer) => (seen.text += chunk.toString()))
      return seen
    })
    await until(() => outputs.every((seen) => seen.text.includes('first')))
    await writeFile(path, lines.call('m2', 'c1', 'Bash', {command: 'ls'}).text())
    await cli.run(['push', SESSION], {env})
    await until(() => outputs.every((seen) => seen.text.includes('Bash')))
    await writeFile(path, lines.result('c1', 'cart.ts').say('m3', 'second').text())
    await cli.run(['push', SESSION], {env})
    await until(() => outputs.every((seen) => seen.text.includes('second')))
    for (const run of [text!, json!]) run.kill('SIGINT')
    expect((await Promise.all([text, json])).map((run) => run?.exitCode)).toEqual([130, 130])
    expect(outputs[0]?.text).toBe('\n#1  2026-11-21 12:00:01\n❯ one\nfirst\n● Bash ls\n  ⎿ cart.ts\nsecond\n')
    const messages = outputs[1]!.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(messages.slice(0, 5)).toMatchObject([
      {role: 'user', content: 'one', sessionId: SESSION},
      {role: 'assistant', content: 'first', id: 'm1'},
      {role: 'assistant', content: '', toolCalls: [{id: 'c1', name: 'Bash', input: {command: 'ls'}}]},
      {role: 'user', toolResults: [{id: 'c1', content: 'cart.ts', isError: false}]},
      {role: 'assistant', content: 'second', id: 'm3'},
    ])
  })
})

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 50) {
    if (waited > 30_000) throw new Error('it did not come about within 30 s')
    await delay(50)
  }
}

test('a task shows all of its sessions, or the one that is named', async () => {
  await using cli = await makeCliHome()
  const lines = new TranscriptLines(SESSION).prompt('the first').say('m1', 'a')
  await write(cli, lines.text())
  await cli.run(['push', SESSION])
  await cli.run(['link', 'T', SESSION])
  // As claude forks: the same entries under another id, and more.
  const fork = lines.prompt('the second').say('m2', 'b').text().replaceAll(SESSION, OTHER)
  await write(cli, fork, OTHER)
  await cli.run(['push', OTHER])
  expect((await cli.run(['link', 'T', OTHER, '--json'])).result()).toMatchObject({action: 'continued'})

  const {stdout} = await cli.run(['show', 'T'])
  expect(stdout.match(/the first/g)).toHaveLength(1)
  expect(stdout.indexOf('the first')).toBeLessThan(stdout.indexOf('the second'))
  expect(stdout).toContain('2 turns, 2 answers')
  expect((await cli.run(['show', 'T', '--session', SESSION.slice(0, 4)])).stdout).not.toContain('the second')
  expect((await cli.run(['show', '--session', OTHER])).stdout).toContain('the first')
  expect((await cli.run(['show', '--task', 'T', '--tail', '1'])).stdout).not.toContain('the first')
  expect((await cli.run(['cat', 'T'])).stdout).toBe(fork)
})

test('what is here alone is shown, too; --local needs no store that answers', async () => {
  await using cli = await makeCliHome()
  const path = await write(cli, conversation().text())
  expect((await cli.run(['show', SESSION.slice(0, 5)])).stdout).toContain(path)
  const {exitCode, stdout} = await cli.run(['show', SESSION, '--local', '--store', 's3://bucket/p'], {
    env: {
      REPRISE_ENDPOINT_URL: 'http://127.0.0.1:9',
      REPRISE_RETRIES: '0',
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_REGION: 'x',
    },
  })
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('Fix the tax.')])
})

test('a session that has a home in the store, and nothing there, is not found', async () => {
  await using cli = await makeCliHome()
  const store = join(cli.home, 'store')
  await mkdir(join(store, '.reprise', 'home'), {recursive: true})
  await writeFile(join(store, '.reprise', 'home', SESSION), `${KEY}\n`)
  for (const command of ['show', 'cat']) {
    const ran = await cli.run([command, SESSION, '--store', store, '--json'])
    expect([command, ran.exitCode, ran.error().code]).toEqual([command, 3, 'SESSION_NOT_FOUND'])
  }
})

test('several stores are looked through in their order', async () => {
  await using cli = await makeCliHome()
  await write(cli, conversation().text())
  const stores = [1, 2].flatMap((at) => ['--store', join(cli.home, `s${at}`)])
  await cli.run(['push', SESSION, ...stores.slice(2)])
  const result = (await cli.run(['show', SESSION, '--json', ...stores])).result()
  expect(result).toMatchObject({sessions: [{place: expect.stringMatching(/s2$/)}]})
})

test.each([
  [['show'], 2, 'SESSION_MISSING'],
  [['cat'], 2, 'SESSION_MISSING'],
  [['show', 'nobody'], 3, 'SESSION_NOT_FOUND'],
  [['show', SESSION], 3, 'SESSION_NOT_FOUND'],
  [['show', SESSION, '--tail', 'x'], 2, 'FLAG_INVALID'],
] as const)('%j: exit %d', async (argv, exitCode, code) => {
  await using cli = await makeCliHome()
  const ran = await cli.run([...argv, '--json'])
  expect([ran.exitCode, ran.error().code]).toEqual([exitCode, code])
})

test('bytes that are no text are given as they are', async () => {
  await using cli = await makeCliHome()
  const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff, 0xfe, 0x00, 0x9b]), Buffer.from('"}\n')])
  await write(cli, bytes)
  await cli.run(['push', SESSION])
  for (const argv of [
    ['cat', SESSION],
    ['show', SESSION, '--raw'],
    ['cat', SESSION, '--local'],
  ]) {
    const {base64} = (await cli.run(['cat', SESSION, '--json'])).result() as {base64: string}
    expect(Buffer.from(base64, 'base64')).toEqual(bytes)
    const out = join(cli.home, 'out')
    await execa(process.execPath, [PROGRAM, ...argv], {
      env: cli.env,
      extendEnv: false,
      cwd: cli.cwd,
      stdout: {file: out},
    })
    expect(await readFile(out)).toEqual(bytes)
  }
})

test('a reader that goes is no error', async () => {
  await using cli = await makeCliHome()
  const lines = new TranscriptLines(SESSION)
  for (let at = 0; at < 3000; at++) lines.prompt(`prompt ${at} ${'word '.repeat(200)}`)
  await write(cli, lines.text())
  for (const argv of [
    ['show', SESSION],
    ['show', SESSION, '--raw'],
    ['cat', SESSION],
  ]) {
    const run = cli.start(argv)
    run.stdout?.once('data', () => run.stdout?.destroy())
    const {exitCode, stderr} = await run
    expect([exitCode, stderr]).toEqual([0, ''])
  }
})

async function big(cli: CliHome): Promise<Buffer> {
  const lines = new TranscriptLines(SESSION)
  const output = Array.from(
    {length: 600},
    (_, at) => `${at} ${createHash('sha256').update(`${at}`).digest('hex')}`,
  ).join('\n')
  for (let at = 0; at < 250; at++)
    lines
      .prompt(`prompt ${at}`)
      .call(`m${at}`, `c${at}`, 'Bash', {command: `run ${at}`})
      .result(`c${at}`, output)
  const text = Buffer.from(lines.text())
  expect(text.length).toBeGreaterThan(10_000_000)
  await write(cli, text)
  return text
}

describe.runIf(process.platform === 'linux')('a session of 10 MB', {timeout: 60_000}, () => {
  test('shows its first lines soon, in bounded memory', async () => {
    await using cli = await makeCliHome()
    await big(cli)
    await cli.run(['push', SESSION])
    const run = cli.start(['show', SESSION])
    const start = performance.now()
    await new Promise((resolve) => run.stdout?.once('data', resolve))
    expect(performance.now() - start).toBeLessThan(10_000)
    await run
    // What a process needs that shows a short session.
    await write(cli, conversation(OTHER).text(), OTHER)
    const [little, much] = [await peakOf(cli, ['show', OTHER]), await peakOf(cli, ['show', SESSION])]
    expect(much.stdout).toContain('prompt 249')
    expect(much.stdout.length).toBeLessThan(500_000)
    expect(much.peakKiB - little.peakKiB).toBeLessThan(150 * 1024)
  })

  test('gives its bytes in bounded memory', async () => {
    await using cli = await makeCliHome()
    const text = await big(cli)
    await cli.run(['push', SESSION])
    const [little, much] = [await peakOf(cli, ['cat', SESSION, '--subagent', 'x']), await peakOf(cli, ['cat', SESSION])]
    expect(much.stdout).toBe(text.toString())
    expect(much.peakKiB - little.peakKiB).toBeLessThan(80 * 1024)
  })
})

/** Runs it with a note of the most memory that it had, which node leaves at its end. */
async function peakOf(cli: CliHome, argv: readonly string[]): Promise<{stdout: string; peakKiB: number}> {
  const hook = join(cli.home, 'peak.cjs')
  await writeFile(
    hook,
    "process.on('exit', () => require('fs').appendFileSync(process.env.PEAK, process.resourceUsage().maxRSS + '\\n'))",
  )
  const peak = join(cli.home, `peak-${argv.join('-').replaceAll('/', '')}`)
  await appendFile(peak, '')
  const {stdout} = await cli.run(argv, {env: {NODE_OPTIONS: `--require ${hook}`, PEAK: peak}})
  return {stdout, peakKiB: Number((await readFile(peak, 'utf8')).trim().split('\n').at(-1))}
}
