import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, onTestFinished, test} from 'vitest'
import {createSessionStore} from '../../src/library/session-store.js'
import {createTaskRegistry} from '../../src/library/task-registry.js'
import {findClaude, newWorker, type Worker} from '../support/claude.js'
import {startModelServer} from '../support/model-server.js'

const PROGRAM = fileURLToPath(new URL('../../examples/agent.js', import.meta.url))
const {reason: noClaude} = findClaude()

/** Runs the example to its end. */
function start({cwd, env}: Worker, ...args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {cwd, env, stdio: ['ignore', 'pipe', 'pipe']})
  const output = {stdout: '', stderr: ''}
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk.toString()
    })
  }
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({code, signal, ...output}))
  return {child, ended}
}

async function newFleet() {
  const root = await mkdtemp(join(await realpath(tmpdir()), 'reprise-example-'))
  const model = await startModelServer()
  onTestFinished(async () => {
    await model.close()
    await rm(root, {recursive: true, force: true, maxRetries: 5})
  })
  const url = `file://${root}/store`
  const worker = async (name: string) => newWorker({root: join(root, name), modelUrl: model.url, cwd: name})
  return {model, url, worker}
}

describe.skipIf(noClaude)(`examples/agent.js ${noClaude ?? ''}`, {timeout: 90_000}, () => {
  test('a task goes on in another home and directory', async () => {
    const {url, worker} = await newFleet()
    const first = await start(await worker('a'), 'T', 'say: the plan', url).ended
    expect(first).toMatchObject({code: 0, stdout: 'the plan\n', stderr: 'a new session\n'})
    await using registry = createTaskRegistry(url)
    const task = await registry.find('task', 'T')
    expect(task).toMatchObject({status: 'ended', store: url, earlier: []})

    const second = await start(await worker('b'), 'T', 'recall:', url).ended
    expect(second).toMatchObject({code: 0, stderr: `resuming ${task?.sessionId}\n`})
    expect(second.stdout).toContain('say: the plan')
    expect(await registry.find('task', 'T')).toMatchObject({sessionId: task?.sessionId, status: 'ended'})
  })

  test('SIGTERM in the middle of a turn loses nothing that was said', async () => {
    const {model, url, worker} = await newFleet()
    const {child, ended} = start(await worker('a'), 'T', 'bash: echo worked;;hold: held', url)
    await model.untilAsked('held')
    await expect
      .poll(() => model.requests.filter(({body}) => JSON.stringify(body).includes('tool_result')).length)
      .toBe(1)
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({signal: 'SIGTERM'})
    await using registry = createTaskRegistry(url)
    const task = await registry.find('task', 'T')
    expect(task).toMatchObject({status: 'interrupted'})
    await using store = createSessionStore(url, {projectKey: 'home'})
    const entries = await store.load({projectKey: '-elsewhere', sessionId: task?.sessionId ?? ''})
    expect(JSON.stringify(entries).includes('"content":"worked"')).toBe(true)

    const second = await start(await worker('b'), 'T', 'recall:', url).ended
    expect(second).toMatchObject({code: 0})
    expect(second.stdout).toContain('bash: echo worked')
  })

  test('without arguments it says how to use it', async () => {
    const {worker} = await newFleet()
    expect(await start(await worker('a')).ended).toMatchObject({code: 2, stdout: ''})
  })
})
