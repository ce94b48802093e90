import {execFile} from 'node:child_process'
import {mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {promisify} from 'node:util'
import {describe, expect, test} from 'vitest'
import {openAt} from '../object-store/s3/support.js'
import {installFromNpm} from '../support/npm-tool.js'
import {startResponsesServer} from '../support/responses-server.js'
import {startStrictS3} from '../support/strict-s3/index.js'

const VERSION = '0.169.0'
const PROGRAM = new URL('../../bin/run.js', import.meta.url).pathname
const codex = await installFromNpm({
  name: `codex ${VERSION}`,
  spec: `@openai/codex@${VERSION}`,
  program: '.bin/codex',
})
if (codex.path === undefined) process.stderr.write(`codex: not tested, ${codex.reason}\n`)

/** A model, a bucket, and machines with a home each. */
async function setUp() {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-codex-')))
  const bin = join(root, 'bin')
  await mkdir(bin)
  await symlink(codex.path ?? '', join(bin, 'codex'))
  const [model, server] = await Promise.all([startResponsesServer(), startStrictS3()])
  const bucket = await openAt(server)
  const config = `model = "test-model"\nmodel_provider = "loop"\n[model_providers.loop]\nname = "loop"\nbase_url = "${model.url}"\nwire_api = "responses"\n`
  return {
    model,
    bucket,
    url: `s3://${server.bucket}/team`,
    async machine(name: string) {
      const home = join(root, name)
      const [codexHome, cwd] = [join(home, '.codex'), join(home, 'work')]
      await mkdir(codexHome, {recursive: true})
      await mkdir(cwd)
      await writeFile(join(codexHome, 'config.toml'), config)
      const env = {
        PATH: `${bin}:${process.env['PATH']}`,
        HOME: home,
        NO_COLOR: '1',
        REPRISE_STORE: `s3://${server.bucket}/team`,
        REPRISE_ENDPOINT_URL: server.endpoint,
        REPRISE_REGION: server.region,
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      }
      const start = async (program: string, ...args: string[]) => {
        const running = promisify(execFile)(program, args, {cwd, env, timeout: 60_000})
        running.child.stdin?.end()
        return (await running).stdout.trim()
      }
      return {
        cwd,
        codex: async (...args: string[]) => start('codex', ...args),
        reprise: async (...args: string[]) => start(process.execPath, PROGRAM, ...args),
        /** Below the home, by name; with its id. */
        async rollouts() {
          const names = await readdir(codexHome, {recursive: true})
          const found = names.filter((each) => /rollout-.*\.jsonl$/.test(each)).toSorted()
          return found.map((path) => ({path, id: path.slice(-'.jsonl'.length - 36, -'.jsonl'.length)}))
        },
        read: async (path: string) => readFile(join(codexHome, path)),
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([model[Symbol.asyncDispose](), bucket.close(), server.close()])
      await rm(root, {recursive: true, force: true})
    },
  }
}

const RUN = ['--skip-git-repo-check']

describe.runIf(codex.path)(`codex ${VERSION} ${codex.reason ?? ''}`, () => {
  test('goes on elsewhere in a fork of a fork, with all that was said before', {timeout: 180_000}, async () => {
    await using at = await setUp()
    const [a, b] = [await at.machine('a'), await at.machine('b')]
    await a.codex('exec', ...RUN, 'the first question')
    const [first] = await a.rollouts()
    await a.codex('exec', 'fork', ...RUN, first!.id, 'the second question')
    const second = (await a.rollouts()).find(({id}) => id !== first!.id)
    await a.codex('exec', 'fork', ...RUN, second!.id, 'the third question')
    const all = await a.rollouts()
    const third = all.find(({id}) => id !== first!.id && id !== second!.id)
    for (const {path} of all) {
      await at.bucket.put(`team/a/raw/codex/${path}`, await a.read(path), {mode: {type: 'create'}})
    }

    const listed = JSON.parse(await b.reprise('ls', '--json', '--sort', 'created')).result.sessions as object[]
    expect(listed.toReversed()).toMatchObject([
      {agent: 'codex', machine: 'a', sessionId: first!.id, firstPrompt: 'the first question', messages: 2, cwd: a.cwd},
      {sessionId: second!.id, firstPrompt: 'the second question', messages: 2},
      {sessionId: third!.id, firstPrompt: 'the third question', messages: 2},
    ])

    expect(await b.reprise('resume', third!.id, '--', 'exec', ...RUN, 'the fourth question')).toBe('answer 4')
    const asked = at.model.asked.at(-1)
    for (const said of ['first', 'second', 'third', 'fourth']) expect(asked).toContain(`the ${said} question`)
    expect((await b.rollouts()).map(({path}) => path)).toEqual(all.map(({path}) => path))
    for (const {path, id} of all) {
      const there = await a.read(path)
      const here = await b.read(path)
      expect(here.subarray(0, there.length).equals(there)).toBe(true)
      expect(here.length > there.length).toBe(id === third!.id)
    }
  })

  test('goes on in a session that was archived where it comes from', {timeout: 120_000}, async () => {
    await using at = await setUp()
    const [a, b] = [await at.machine('a'), await at.machine('b')]
    await a.codex('exec', ...RUN, 'the only question')
    const [{id} = {id: ''}] = await a.rollouts()
    await a.codex('archive', id)
    const [archived] = await a.rollouts()
    expect(archived?.path).toContain('archived_sessions/')
    await at.bucket.put(`team/ann/.codex/${archived!.path}`, await a.read(archived!.path), {mode: {type: 'create'}})
    expect(await b.reprise('resume', id.slice(0, 13), '--', 'exec', ...RUN, 'one more')).toBe('answer 2')
    expect(at.model.asked.at(-1)).toContain('the only question')
  })
})

test('codex has been asked for at npm', () => {
  expect(codex.path ?? codex.reason).toEqual(expect.any(String))
})
