import {spawnSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import type {LeaseOwner} from '../registry/lease-record.js'

/**
 * Tells which owners of leases do not run any more. Only those of this machine, boot and pid namespace can be known to be dead: their
 * pid is gone, or was given to a process that started at another time.
 *
 * @param self this process.
 */
export function deadOwners(self: LeaseOwner): (owner: LeaseOwner) => boolean {
  return (owner) => {
    const comparable =
      owner.machine === self.machine && owner.boot === self.boot && owner.pidNamespace === self.pidNamespace
    if (!comparable || self.boot === '') return false
    if (!isRunning(owner.pid)) return true
    const start = startOf(owner.pid)
    return owner.start !== '' && start !== '' && start !== owner.start
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is there, but belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** In the machine's own terms, as lease records have it; empty where it cannot be told. A zombie has ended. */
function startOf(pid: number): string {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '')
    } catch {
      return ''
    }
  }
  const options = {env: {LC_ALL: 'C', TZ: 'UTC'}, timeout: 2000, encoding: 'utf8'} as const
  const {stdout} = spawnSync('/bin/ps', ['-o', 'stat=', '-o', 'lstart=', '-p', `${pid}`], options)
  const [, state, start] = /^\s*(\S+)\s+(.*\S)\s*$/.exec(stdout ?? '') ?? []
  return state?.startsWith('Z') ? 'ended' : (start ?? '')
}
