import {type ChildProcess, execFile, spawn} from 'node:child_process'
import {randomBytes} from 'node:crypto'
import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {exitCodeOfChild, launchClaude} from '../../src/launch/child.js'
import {systemProcesses} from '../../src/transcript/processes.js'
import {compile, type Compiled} from './support/compiled.js'

const fake = fileURLToPath(new URL('support/fake-claude.js', import.meta.url))
const launcher = fileURLToPath(new URL('support/launcher.js', import.meta.url))

let root: string
let modules: Compiled
let count = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reprise-child-'))
  modules = await compile(['launch/child.ts', 'base/system.ts'])
})
afterAll(async () => {
  await modules[Symbol.asyncDispose]()
  await rm(root, {recursive: true, force: true})
})

interface Launched {
  readonly launcher: ChildProcess
  readonly claudePid: number
  log(): Promise<readonly string[]>
  readonly end: Promise<{code: number | null; signal: string | null; stdout: Buffer; told: unknown}>
}

/** A launcher as the leader of a process group of its own, as a shell starts a job. */
function launch(args: readonly string[], graceMs = 5000): Omit<Launched, 'claudePid'> {
  const log = join(root, `log-${count++}`)
  const [verb = '', ...rest] = args
  const argv = [launcher, modules.url(''), String(graceMs), process.execPath, fake, log, verb, ...rest]
  const child = spawn(process.execPath, argv, {cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe']})
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  return {
    launcher: child,
    log: async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    end: new Promise((resolve) => {
      child.once('close', (code, signal) => {
        const told = Buffer.concat(err).toString()
        resolve({code, signal, stdout: Buffer.concat(out), told: told.startsWith('{') ? JSON.parse(told) : told})
      })
    }),
  }
}

async function launchAndWait(args: readonly string[], graceMs?: number): Promise<Launched> {
  const launched = launch(args, graceMs)
  const ready = async () => (await launched.log()).find((line) => line.startsWith('ready'))
  await expect.poll(ready, {timeout: 15_000}).toBeDefined()
  return {...launched, claudePid: Number((await ready())?.split(' ')[1])}
}

const pidOf = ({pid}: ChildProcess) => pid ?? 0
const signalsOf = async (launched: Launched) => (await launched.log()).filter((line) => line.startsWith('SIG'))

/** The processes of a group that have not ended; the words of `ps`, for a failure to say more. */
async function groupOf(group: number): Promise<readonly string[]> {
  const {stdout} = await promisify(execFile)('ps', ['-A', '-o', 'pgid=,stat=,pid=,args='])
  const lines = stdout.split('\n').map((line) => line.trim())
  return lines.filter((line) => line.startsWith(`${group} `) && !line.split(/\s+/)[1]?.startsWith('Z'))
}

describe('how it ended', () => {
  test('the exit code is that of claude', async () => {
    expect(await launch(['exit', '42']).end).toMatchObject({code: 42, told: {exitCode: 42}})
    expect(await launch(['exit', '0']).end).toMatchObject({code: 0, told: {exitCode: 0}})
  })

  test('a claude that was killed is 128 and the signal, as a shell says it', async () => {
    const launched = await launchAndWait(['ignore'])
    process.kill(launched.claudePid, 'SIGKILL')
    expect(await launched.end).toMatchObject({code: 137, told: {signal: 'SIGKILL'}})
  })

  test('output passes byte for byte', async () => {
    const bytes = randomBytes(1_000_003)
    await writeFile(join(root, 'output'), bytes)
    const {stdout} = await launch(['say', join(root, 'output')]).end
    expect(stdout.equals(bytes)).toBe(true)
  })

  test('a program or a directory that is not there is an error, and no listener stays', async () => {
    const before = process.listenerCount('SIGTERM')
    const options = {env: {}, clock: systemClock, graceMs: 10}
    const plan = {sessionId: '', env: {}, cwd: root} as const
    const failure = {code: 'CLAUDE_NOT_STARTED', kind: 'usage'}
    await expect(launchClaude({...plan, argv: ['/nowhere/claude']}, options)).rejects.toMatchObject(failure)
    const gone = {...plan, cwd: join(root, 'gone'), argv: [process.execPath] as const}
    await expect(launchClaude(gone, options)).rejects.toMatchObject(failure)
    expect(process.listenerCount('SIGTERM')).toBe(before)
  })

  test('the child gets the environment that it is given, and the variables of the plan over it', async () => {
    const print = 'process.stdout.write(JSON.stringify([process.env.A, process.env.B, process.env.HOME ?? null]))'
    const plan = {
      sessionId: '',
      argv: [process.execPath, '-e', `${print};process.exit(process.env.B === '2' ? 9 : 1)`],
    } as const
    const child = await launchClaude(
      {...plan, env: {B: '2'}, cwd: root},
      {env: {A: '1', B: '1'}, clock: systemClock, graceMs: 10, stdio: 'ignore'},
    )
    expect(await child.ended).toEqual({exitCode: 9})
    expect(exitCodeOfChild(await child.ended)).toBe(9)
  })
})

describe('signals', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s to reprise alone reaches claude once, and claude ends first',
    async (signal) => {
      const launched = await launchAndWait(['die-on', signal])
      launched.launcher.kill(signal)
      const end = await launched.end
      expect(end).toMatchObject({code: 7, signal: null, told: {exitCode: 7, received: signal}})
      expect(await signalsOf(launched)).toEqual([signal])
    },
  )

  test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s to the whole group, as a terminal sends it, is not delivered twice',
    async (signal) => {
      const launched = await launchAndWait(['die-on', signal])
      process.kill(-pidOf(launched.launcher), signal)
      expect(await launched.end).toMatchObject({code: 7, told: {exitCode: 7, received: signal}})
      expect(await signalsOf(launched)).toEqual([signal])
    },
  )

  test('each signal is judged by itself: one to all, then one to reprise alone, then one to all', async () => {
    const launched = await launchAndWait(['ignore'])
    const group = -pidOf(launched.launcher)
    for (const [n, target] of [group, -group, group].entries()) {
      process.kill(target, 'SIGINT')
      await expect.poll(async () => signalsOf(launched)).toHaveLength(n + 1)
      await delay(400)
    }
    expect(await signalsOf(launched)).toEqual(['SIGINT', 'SIGINT', 'SIGINT'])
    process.kill(launched.claudePid, 'SIGKILL')
    await launched.end
  })

  test('a claude that does not heed SIGTERM is killed after the time that it has; SIGINT has no such end', async () => {
    const launched = await launchAndWait(['ignore'], 700)
    launched.launcher.kill('SIGINT')
    await delay(1200)
    expect(await systemProcesses.find(launched.claudePid)).toBeDefined()
    const from = performance.now()
    launched.launcher.kill('SIGTERM')
    const end = await launched.end
    expect(end).toMatchObject({code: 137, told: {signal: 'SIGKILL', received: 'SIGINT'}})
    expect(performance.now() - from).toBeGreaterThan(650)
    expect(await signalsOf(launched)).toEqual(['SIGINT', 'SIGTERM'])
  })

  test('no process is left behind, not even when reprise is killed', async () => {
    const launched = await launchAndWait(['ignore'])
    const group = pidOf(launched.launcher)
    launched.launcher.kill('SIGKILL')
    process.kill(launched.claudePid, 'SIGKILL')
    await launched.end
    await expect.poll(async () => groupOf(group)).toEqual([])
  })
})

async function start(args: readonly string[], graceMs: number, signal?: AbortSignal) {
  const log = join(root, `log-${count++}`)
  const plan = {sessionId: '', argv: [process.execPath, fake, log, ...args], env: {}, cwd: root} as const
  const options = {env: {}, clock: systemClock, graceMs, stdio: 'ignore', ...(signal && {signal})} as const
  const child = await launchClaude(plan, options)
  await expect.poll(async () => readFile(log, 'utf8').catch(() => ''), {timeout: 15_000}).toContain('ready')
  return {child, log}
}

describe('stop', () => {
  test('lets claude end by itself, and may be asked for twice', async () => {
    const {child, log} = await start(['die-on', 'SIGTERM'], 5000)
    const ends = await Promise.all([child.stop(), child.stop()])
    expect(ends).toEqual([{exitCode: 7}, {exitCode: 7}])
    expect(await readFile(log, 'utf8')).toContain('SIGTERM')
    expect(await child.stop()).toEqual({exitCode: 7})
  })

  test('kills one that does not', async () => {
    const {child} = await start(['ignore'], 300)
    expect(await child.stop()).toEqual({signal: 'SIGKILL'})
  })

  test('comes with an aborted signal too', async () => {
    const controller = new AbortController()
    const {child} = await start(['die-on', 'SIGTERM'], 5000, controller.signal)
    controller.abort()
    expect(await child.ended).toEqual({exitCode: 7})
  })
})
