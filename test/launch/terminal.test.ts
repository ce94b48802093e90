import {type ChildProcess, spawn, spawnSync} from 'node:child_process'
import {mkdtemp, readFile, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest'
import {compile, type Compiled} from './support/compiled.js'

const fake = fileURLToPath(new URL('support/fake-claude.js', import.meta.url))
const launcher = fileURLToPath(new URL('support/launcher.js', import.meta.url))
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0
const why = hasPython ? '' : '(left out: it takes python3 to open a terminal here)'

const CTRL_C = '\u0003'
const CTRL_Z = '\u001a'
const poll = {timeout: 15_000}

describe.runIf(hasPython)(`on a terminal, started by an interactive shell ${why}`, () => {
  let root: string
  let modules: Compiled
  let log: string
  let shell: ChildProcess
  let screen = ''
  let count = 0

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'reprise-terminal-'))
    modules = await compile(['launch/child.ts', 'base/system.ts'])
  })
  afterAll(async () => {
    await modules[Symbol.asyncDispose]()
    await rm(root, {recursive: true, force: true})
  })
  beforeEach(() => {
    log = join(root, `log-${count++}`)
    screen = ''
    const env = {PATH: process.env['PATH'] ?? '', HOME: root, TERM: 'dumb', PS1: '$ '}
    // A shell of its own session, on a terminal of its own; what is written here is typed there.
    shell = spawn('python3', ['-c', 'import pty; pty.spawn(["/bin/sh", "-i"])'], {cwd: root, env})
    shell.stdout?.on('data', (chunk: Buffer) => (screen += chunk.toString()))
    const gone = new Promise((resolve) => shell.once('close', resolve))
    shell.stdin?.on('error', () => undefined)
    return async () => {
      shell.stdin?.end('exit\nexit\n')
      const timer = setTimeout(() => shell.kill('SIGKILL'), 3000)
      await gone
      clearTimeout(timer)
    }
  })

  const type = (text: string) => shell.stdin?.write(text)
  const logged = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  const signals = async () => (await logged()).filter((line) => line.startsWith('SIG'))
  const states = () => {
    const {stdout} = spawnSync('ps', ['-A', '-o', 'stat=,args='], {encoding: 'utf8'})
    const ours = stdout.split('\n').filter((line) => line.includes(log))
    return ours.map((line) => line.trim()[0]).join('')
  }
  /** @returns the pid of the fake claude. */
  const begin = async (...verb: string[]): Promise<number> => {
    const quoted = [process.execPath, launcher, modules.url(''), '5000', process.execPath, fake, log, ...verb]
    type(`${quoted.map((word) => `'${word}'`).join(' ')}; echo "code=$?."\n`)
    await expect.poll(logged, poll).toHaveLength(1)
    return Number((await logged())[0]?.split(' ')[1])
  }

  test('Ctrl-C reaches claude once', async () => {
    await begin('die-on', 'SIGINT')
    type(CTRL_C)
    await expect.poll(() => screen, poll).toContain('code=7.')
    expect(await signals()).toEqual(['SIGINT'])
  })

  test('a signal to reprise alone reaches claude, though there is a terminal', async () => {
    await begin('die-on', 'SIGINT')
    const {stdout} = spawnSync('ps', ['-A', '-o', 'pid=,args='], {encoding: 'utf8'})
    const line = stdout.split('\n').find((each) => each.includes(launcher) && each.includes(log))
    process.kill(Number(line?.trim().split(' ')[0]), 'SIGINT')
    await expect.poll(() => screen, poll).toContain('code=7.')
    expect(await signals()).toEqual(['SIGINT'])
  })

  test('Ctrl-Z stops both and gives the shell back, fg continues both', async () => {
    const pid = await begin('ignore')
    expect(states()).not.toContain('T')
    type(CTRL_Z)
    await expect.poll(states, poll).toBe('TT')
    type('echo "shell is"" back"\n')
    await expect.poll(() => screen, poll).toContain('shell is back')
    type('fg\n')
    await expect.poll(states, poll).not.toContain('T')
    type(CTRL_C)
    await expect.poll(signals, poll).toEqual(['SIGINT'])
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => states(), poll).toBe('')
  })

  test('a terminal that is closed ends claude, and reprise after it', async () => {
    await begin('die-on', 'SIGHUP')
    shell.kill('SIGKILL')
    await expect.poll(states, poll).toBe('')
    expect(await signals()).toEqual(['SIGHUP'])
  })
})
