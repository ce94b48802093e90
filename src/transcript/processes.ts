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
    const start = process.platform === 'linux' ? await linuxStart(pid) : await psStart(pid)
    if (start === 'zombie') return
    return start === undefined ? {} : {start}
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

/** Clock ticks from boot to the start of the process. A zombie has ended, only its parent has not asked yet. */
async function linuxStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the command in brackets, and may hold spaces and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? 'zombie' : fields[19]
}

async function psStart(pid: number): Promise<string | undefined> {
  const options = {env: {LC_ALL: 'C', TZ: 'UTC'}, timeout: 2000}
  const {stdout} = await promisify(execFile)('/bin/ps', ['-o', 'lstart=', '-p', `${pid}`], options).catch(() => ({
    stdout: '',
  }))
  return stdout.trim() || undefined
}
