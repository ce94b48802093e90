import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, mkdtemp, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it} from 'vitest'
import {liveSessions} from '../../src/transcript/liveness.js'
import {systemProcesses} from '../../src/transcript/processes.js'

const sessionId = '00000000-0000-4000-8000-000000000001'

let config: string
beforeEach(async () => {
  config = await mkdtemp(join(tmpdir(), 'reprise-live-'))
  await mkdir(join(config, 'sessions'))
})
afterEach(() => rm(config, {recursive: true, force: true}))

const note = (name: string, content: unknown) =>
  writeFile(join(config, 'sessions', name), typeof content === 'string' ? content : JSON.stringify(content))

/** A process that lives until the callback is done. */
async function withProcess(use: (pid: number) => Promise<void>): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {stdio: 'ignore'})
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  try {
    await use(pid)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return pid
}

describe('liveSessions', () => {
  it('counts a process that lives and began when the note says', async () => {
    await withProcess(async (pid) => {
      const procStart = (await systemProcesses.find(pid))?.start
      expect(procStart).toMatch(process.platform === 'linux' ? /^\d+$/ : /\d\d:\d\d:\d\d/)
      await note(`${pid}.json`, {pid, sessionId, procStart, cwd: '/w', status: 'busy', kind: 'interactive'})
      expect(await liveSessions(config, systemProcesses)).toEqual({
        here: [{sessionId, pid, cwd: '/w', status: 'busy'}],
        elsewhere: [],
      })
    })
  })

  it('is not fooled by a pid that was given to another process', async () => {
    await withProcess(async (pid) => {
      await note(`${pid}.json`, {pid, sessionId, procStart: '1'})
      expect((await liveSessions(config, systemProcesses)).here).toEqual([])
    })
  })

  it('counts a living pid where the start was not written down', async () => {
    await withProcess(async (pid) => {
      await note(`${pid}.json`, {pid, sessionId})
      expect((await liveSessions(config, systemProcesses)).here).toEqual([{sessionId, pid}])
    })
  })

  it('does not count a process that ended, whatever its note says', async () => {
    const pid = await withProcess(async (pid) => note(`${pid}.json`, {pid, sessionId}))
    await note(`${pid}.json`, {pid, sessionId})
    expect((await liveSessions(config, systemProcesses)).here).toEqual([])
  })

  it('keeps notes of another machine or container apart', async () => {
    const processes = {...systemProcesses, domain: async () => 'linux:here:pid:[1]'}
    await note(`${process.pid}.json`, {pid: process.pid, sessionId, pidDomain: 'linux:there:pid:[1]'})
    expect(await liveSessions(config, processes)).toEqual({here: [], elsewhere: [{sessionId, pid: process.pid}]})
    await note(`${process.pid}.json`, {pid: process.pid, sessionId, pidDomain: 'linux:here:pid:[1]'})
    expect((await liveSessions(config, processes)).here).toHaveLength(1)
  })

  it('passes over what is no note', async () => {
    const {pid} = process
    await note('1.json', {pid, sessionId})
    await note('x.json', {pid, sessionId})
    await note('12.key', {pid, sessionId})
    await note('13.json', '{"pid":13,"sess')
    await note('14.json', '')
    await note('15.json', {pid: 15, sessionId: '../../x'})
    await note('16.json', `${JSON.stringify({pid, sessionId})}${' '.repeat(100_000)}`)
    await writeFile(join(config, 'outside'), JSON.stringify({pid, sessionId}))
    await symlink(join(config, 'outside'), join(config, 'sessions', `${pid}.json`))
    expect(await liveSessions(config, systemProcesses)).toEqual({here: [], elsewhere: []})
  })

  it('finds nothing where Claude never ran', async () => {
    expect(await liveSessions(join(config, 'none'), systemProcesses)).toEqual({here: [], elsewhere: []})
  })
})

describe('systemProcesses', () => {
  it('takes a process that ended, but was not waited for, as gone', async () => {
    // The shell becomes a program that knows nothing of the child it is the parent of.
    const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], {stdio: ['ignore', 'pipe', 'ignore']})
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    try {
      await expect.poll(() => systemProcesses.find(pid), {timeout: 5000}).toBeUndefined()
      expect(process.kill(pid, 0)).toBe(true)
    } finally {
      parent.kill('SIGKILL')
      await once(parent, 'exit')
    }
  })

  it.each([0, 1, -1, 1.5, Number.NaN, 2 ** 31 - 1])('finds no process %d', async (pid) => {
    expect(await systemProcesses.find(pid)).toBeUndefined()
  })
})
