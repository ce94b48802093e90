import {execFile} from 'node:child_process'
import {readFile, readlink} from 'node:fs/promises'
import {promisify} from 'node:util'

/** The processes of this machine, as far as it takes to tell whether one is still the one that wrote a file. */
export interface Processes {
  /** Undefined when there is no such process. `start` is Claude's own notation, undefined where it cannot be had. */
  find(pid: number): Promise<{readonly start?: string} | undefined>
  /** Claude's name for the space in which pids count: a machine and a namespace. Undefined where it cannot be had. */
  domain(): Promise<string | undefined>
}

export const systemProcesses: Processes = {
  async find(pid) {
    if (!answersSignals(pid)) return
    const {state, start} = process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid)
    // A zombie has ended, only its parent has not asked yet.
    if (state?.startsWith('Z')) return
    return start ? {start} : {}
  },
  async domain() {
    if (process.platform !== 'linux') return
    const [machine, namespace] = await Promise.all([
      readFile('/etc/machine-id', 'utf8').catch(() => ''),
      readlink('/proc/self/ns/pid').catch(() => ''),
    ])
    return `linux:${machine.trim()}:${namespace}`
  },
}

function answersSignals(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is there, but belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

interface Look {
  readonly state?: string | undefined
  readonly start?: string | undefined
}

/** The start in clock ticks since the machine was booted. */
async function fromProc(pid: number): Promise<Look> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the command in brackets, and may hold spaces and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {state: fields[0], start: fields[19]}
}

/** The start as a date in UTC, in the C locale. */
async function fromPs(pid: number): Promise<Look> {
  const options = {env: {LC_ALL: 'C', TZ: 'UTC'}, timeout: 2000}
  const shown = promisify(execFile)('/bin/ps', ['-o', 'stat=', '-o', 'lstart=', '-p', `${pid}`], options)
  const {stdout} = await shown.catch(() => ({stdout: ''}))
  const [, state, start] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(stdout) ?? []
  return {state, start}
}
