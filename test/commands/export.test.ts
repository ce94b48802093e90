import {execFileSync} from 'node:child_process'
import {mkdir, readdir, readFile, stat, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {describe, expect, test} from 'vitest'
import {openPlace, type PlaceName} from '../e2e/support/places.js'
import {readObject} from '../../src/object-store/read-object.js'
import {openAt} from '../object-store/s3/support.js'
import {readHtml} from '../support/read-html.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import type {StrictS3} from '../support/strict-s3/index.js'
import {chars, SAMPLES} from '../support/secret-samples.js'
import {SESSION} from '../support/sync-worker.js'
import {TranscriptLines} from '../support/transcript-lines.js'

const KEY = '-code-shop'
const OTHER = '22222222-2222-4333-8444-555555555555'

function conversation(sessionId = SESSION): TranscriptLines {
  return new TranscriptLines(sessionId)
    .prompt('Fix the tax.', {cwd: '/code/shop', version: '2.1.0'})
    .call('m1', 'c1', 'Agent', {prompt: 'look', description: 'find it', subagent_type: 'Explore'})
    .result('c1', 'found', {toolUseResult: {agentId: 'a1'}})
    .call('m2', 'c2', 'Bash', {command: 'npm test'})
    .result('c2', 'one <b>failed</b>\n```\nline', {}, true)
    .call('m3', 'c3', 'Edit', {file_path: '/code/shop/cart.ts', old_string: 'sum', new_string: 'sum * 1.19'})
    .result('c3', 'ok')
    .say(
      'm4',
      'Fixed in `cart.ts`: <script>alert(1)</script> ![x](https://example.com/x.png)\n\n```ts\nlet a: Array<string>',
    )
    .prompt('Thanks.')
    .say('m5', 'Welcome.')
}

const SUBAGENT = new TranscriptLines(SESSION).prompt('look').say('s1', 'in cart.ts').text()

async function write(cli: CliHome, text: string, sessionId = SESSION, below = ''): Promise<string> {
  const path = join(cli.home, '.claude', 'projects', KEY, `${sessionId}${below}.jsonl`)
  await mkdir(dirname(path), {recursive: true})
  await writeFile(path, text)
  return path
}

async function stored(cli: CliHome, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const text = conversation().text()
  await write(cli, text)
  await write(cli, SUBAGENT, SESSION, '/subagents/agent-a1')
  expect((await cli.run(['push', SESSION], {env})).exitCode).toBe(0)
  return text
}

describe.each<PlaceName>(['file', 's3'])('a session in a place of kind %s', {timeout: 60_000}, (kind) => {
  test('is exported: its bytes, JSON, Markdown; to stdout, to a file, packed', async () => {
    await using cli = await makeCliHome()
    await using place = await openPlace(kind, cli.home)
    const {env} = place
    const text = await stored(cli, env)

    expect(await cli.run(['export', SESSION], {env})).toMatchObject({exitCode: 0, stdout: text, stderr: ''})
    const path = join(cli.home, 'out', 'trace.jsonl.gz')
    const packed = await cli.run(['export', SESSION, '-o', path, '--json'], {env})
    const bytes = await readFile(path)
    expect(gunzipSync(bytes).toString()).toBe(text)
    expect(packed.result()).toEqual({
      files: [{sessions: [SESSION], format: 'jsonl', gzip: true, path, bytes: bytes.length}],
      bytes: bytes.length,
    })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(dirname(path))).toEqual(['trace.jsonl.gz'])

    const document = JSON.parse((await cli.run(['export', SESSION, '--format', 'json'], {env})).stdout)
    expect(document).toMatchObject({
      version: 1,
      sessions: [{sessionId: SESSION, agent: 'claude'}],
      messages: [{content: 'Fix the tax.'}, {toolCalls: [{name: 'Agent'}]}, {}, {}, {}, {content: 'Thanks.'}, {}],
      subagents: [{agentId: 'a1', messages: [{content: 'look'}, {content: 'in cart.ts'}]}],
      totals: {turns: 2},
      missing: [],
    })

    const {stdout} = await cli.run(['export', SESSION, '--format', 'md'], {env})
    expect(stdout.replaceAll(/(?:s3|file):\/\/[^`]+/g, 'STORE')).toMatchInlineSnapshot(`
      "# Session 11111111-2222-4333-8444-555555555555

      Session \`11111111-2222-4333-8444-555555555555\`: \`/code/shop\` · \`claude 2.1.0\` · \`2026-11-21 12:00:01 to 2026-11-21 12:00:10 UTC\` · \`STORE\`

      ## 1. Fix the tax.

      *2026-11-21 12:00:01*

      > Fix the tax.

      **Agent** \`Explore: find it\`

      > **Subagent Explore: find it**
      >
      > > look
      >
      > in cart.ts

      **Bash** \`npm test\`

      \`\`\`\`
      one <b>failed</b>
      \`\`\`
      line
      \`\`\`\`

      **Edit** \`/code/shop/cart.ts\` (+1 −1)

      \`\`\`diff
      -sum
      +sum * 1.19
      \`\`\`

      Fixed in \`cart.ts\`: &lt;script>alert(1)&lt;/script> !\\[x](https://example.com/x.png)

      \`\`\`ts
      let a: Array<string>
      \`\`\`

      ## 2. Thanks.

      *2026-11-21 12:00:09*

      > Thanks.

      Welcome.

      ---

      - 2 turns, 6 answers, 3 tool calls, 1 failure, 1 subagent
      - tokens: 60 in, 30 out, 600 from cache, 6 to cache; context 111
      - models: claude-test-1
      "
    `)
  })
})

test('as a page: one file, from the real command line', async () => {
  await using cli = await makeCliHome()
  await stored(cli)
  const path = join(cli.home, 'page.html')
  expect((await cli.run(['export', SESSION, '-o', path])).exitCode).toBe(0)
  const page = readHtml(await readFile(path, 'utf8'))
  expect(page.raw['script']).toHaveLength(1)
  expect(page.text).toContain('<script>alert(1)</script>')
  expect(page.text).toContain('Subagent Explore: find it')
  expect(page.tags.flatMap(({attributes}) => attributes['id'] ?? [])).toEqual(
    expect.arrayContaining(['contents', 't1', 't1-2', 't1-3', 't2']),
  )
})

test(
  'with --redact no form holds a secret; what was masked is told by rule and number',
  {timeout: 60_000},
  async () => {
    await using cli = await makeCliHome()
    const [token, secret] = [SAMPLES['github'] ?? '', chars(40)]
    const lines = conversation().prompt(`use ${token}`).call('m9', 'c9', 'Bash', {secretAccessKey: secret})
    await write(cli, lines.text())
    await write(cli, SUBAGENT.replace('in cart.ts', token), SESSION, '/subagents/agent-a1')
    await cli.run(['push', SESSION, '--secrets', 'off'])
    const secrets = [token.slice(-12), secret.slice(-12)]
    for (const format of ['jsonl', 'json', 'md', 'html']) {
      const {stdout, stderr} = await cli.run(['export', SESSION, '--format', format, '--redact'])
      expect(secrets.filter((each) => stdout.includes(each))).toEqual([])
      expect(stdout).toContain('****')
      expect(stderr).toBe(`Warning: masked: 1 aws, ${format === 'jsonl' ? 1 : 2} github\n`)
    }
    const run = await cli.run(['export', SESSION, '--redact', '-o', 'a.jsonl', '--json'])
    const masked = {aws: 1, github: 1}
    expect(run.result()).toMatchObject({files: [{bytes: lines.text().length, masked}], masked})
    const written = await readFile(join(cli.cwd, 'a.jsonl'), 'utf8')
    expect(written.split('\n').map((line) => line.length)).toEqual(
      lines
        .text()
        .split('\n')
        .map((line) => line.length),
    )
    expect((await cli.run(['export', SESSION, '--redact', '-o', 'a.md'])).stdout).toContain('masked: 1 aws, 2 github')
  },
)

test('a file that is there stays as it is, unless told', async () => {
  await using cli = await makeCliHome()
  const text = await stored(cli)
  const path = join(cli.home, 'a.jsonl')
  await writeFile(path, 'mine')
  const refused = await cli.run(['export', SESSION, '-o', path, '--json'])
  expect([refused.exitCode, refused.error().code]).toEqual([4, 'OUTPUT_EXISTS'])
  expect(await readFile(path, 'utf8')).toBe('mine')
  expect((await cli.run(['export', SESSION, '-o', path, '--force'])).stdout).toMatch(/a\.jsonl {2}[\d.]+ KiB\n$/)
  expect(await readFile(path, 'utf8')).toBe(text)
  await mkdir(join(cli.home, 'dir'))
  const directory = await cli.run(['export', SESSION, '-o', join(cli.home, 'dir'), '--force', '--json'])
  expect([directory.exitCode, directory.error().code]).toEqual([5, 'OUTPUT_NOT_WRITABLE'])
})

async function openBucket(server: StrictS3) {
  const store = await openAt(server)
  return {store, [Symbol.asyncDispose]: async () => store.close()}
}

test('into a bucket, by user and task; created, not overwritten', {timeout: 60_000}, async () => {
  await using cli = await makeCliHome()
  await using place = await openPlace('s3', cli.home)
  const {env, server} = place
  const text = await stored(cli, env)
  await cli.run(['link', 'T/1', SESSION], {env})
  const url = `s3://${server?.bucket}/traces/{user}/{task}.jsonl.gz`
  const result = (await cli.run(['export', 'T/1', '-o', url, '--json'], {env})).result()
  expect(result).toMatchObject({
    files: [{sessions: [SESSION], task: 'T/1', url: expect.stringMatching(/\/traces\/[^{}/]+\/T%2F1\.jsonl\.gz$/)}],
  })
  const [{url: written}] = (result as {files: [{url: string}]}).files
  await using bucket = await openBucket(server!)
  const object = await readObject(bucket.store, written.split('/').slice(3).join('/'), {limit: 1_000_000})
  expect(object?.contentType).toBe('application/gzip')
  expect(gunzipSync(object?.bytes ?? '').toString()).toBe(text)
  const again = await cli.run(['export', 'T/1', '-o', url, '--json'], {env})
  expect([again.exitCode, again.error().code]).toEqual([4, 'OUTPUT_EXISTS'])
  expect((await cli.run(['export', 'T/1', '-o', url, '--force'], {env})).exitCode).toBe(0)
  const got = await cli.run(['export', 'T/1', '-o', `s3://${server?.bucket}/x/`, '--json'], {env})
  expect(got.result()).toMatchObject({files: [{url: `s3://${server?.bucket}/x/${SESSION}.jsonl`, bytes: text.length}]})
})

test('all sessions, a file each; one that fails does not stop the others', {timeout: 60_000}, async () => {
  await using cli = await makeCliHome()
  const text = await stored(cli)
  await write(cli, conversation(OTHER).text(), OTHER)
  await cli.run(['push', '--all'])
  const directory = join(cli.home, 'all')
  await mkdir(directory)
  await writeFile(join(directory, `${OTHER}.md`), 'mine')
  const run = await cli.run(['export', '--all', '--since', '7d', '--format', 'md', '-o', `${directory}/`, '--json'])
  expect(run.exitCode).toBe(4)
  const {files} = run.result() as {files: {sessions: string[]; error?: {code: string}}[]}
  expect(files.find(({error}) => error)).toMatchObject({sessions: [OTHER], error: {code: 'OUTPUT_EXISTS'}})
  expect(await readFile(join(directory, `${SESSION}.md`), 'utf8')).toContain('Fix the tax.')
  const lines = await cli.run(['export', '--all', '--local'])
  expect(lines.stdout.length).toBeGreaterThan(text.length)
})

test.each([
  [['export'], 2, 'SESSION_MISSING'],
  [['export', 'nobody'], 3, 'SESSION_NOT_FOUND'],
  [['export', SESSION], 2, 'OUTPUT_MISSING'],
  [['export', SESSION, '-o', '{task}.md'], 2, 'PLACEHOLDER_OPEN'],
  [['export', SESSION, '--all'], 2, 'ARGUMENT_UNEXPECTED'],
  [['export', '--all', '--since', 'x'], 2, 'DURATION_INVALID'],
  [['export', SESSION, '--since', '7d'], 2, 'FLAG_INVALID'],
] as const)('%j: exit %d', async (argv, exitCode, code) => {
  await using cli = await makeCliHome()
  await write(cli, conversation().text())
  const run = await cli.run([...argv, '--json'])
  expect([run.exitCode, run.error().code]).toEqual([exitCode, code])
})

test('where only a subagent is there, there are no lines, but a document; no empty file is left', async () => {
  await using cli = await makeCliHome()
  await write(cli, SUBAGENT, SESSION, '/subagents/agent-a1')
  const run = await cli.run(['export', SESSION, '-o', 'a.jsonl', '--json'])
  expect([run.exitCode, run.error().code]).toEqual([3, 'TRANSCRIPT_MISSING'])
  expect(await readdir(cli.cwd)).not.toContain('a.jsonl')
  expect((await cli.run(['export', SESSION, '--format', 'md'])).stdout).toContain('in cart.ts')
})

test('a reader that goes away is no error', async () => {
  await using cli = await makeCliHome()
  await write(cli, new TranscriptLines(SESSION).prompt('x'.repeat(4_000_000)).text())
  const command = `"$NODE" "$PROGRAM" export ${SESSION} | head -c 10 >/dev/null; echo "\${PIPESTATUS[0]}"`
  const env = {...cli.env, NODE: process.execPath, PROGRAM: join(import.meta.dirname, '../../bin/run.js')}
  const answer = execFileSync('bash', ['-c', command], {cwd: cli.cwd, env, encoding: 'utf8'})
  expect(answer.trim()).toBe('0')
})
