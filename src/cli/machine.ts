import {execFile} from 'node:child_process'
import {readFile, readlink} from 'node:fs/promises'
import {hostname, userInfo} from 'node:os'
import {promisify} from 'node:util'
import type {LeaseOwner} from '../registry/lease-record.js'
import {systemProcesses} from '../transcript/processes.js'

/** Names this process among all of the fleet, so that a later one on the same boot can tell that it is dead. */
export async function thisProcess(): Promise<LeaseOwner> {
  const [boot, pidNamespace, found] = await Promise.all([
    bootId(),
    namespaceOfPids(),
    systemProcesses.find(process.pid),
  ])
  return {machine: hostname(), boot, pidNamespace, pid: process.pid, start: found?.start ?? ''}
}

/** The values of `{user}` and `{machine}` in a store's URL. */
export function placeholdersOfMachine(): {readonly machine: string; readonly user?: string} {
  const machine = hostname()
  try {
    return {machine, user: userInfo().username}
  } catch {
    // A container's uid without an entry in the user database: the placeholder stays open.
    return {machine}
  }
}

async function bootId(): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const {stdout} = await promisify(execFile)('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'], {timeout: 2000})
    return stdout.trim()
  } catch {
    return ''
  }
}

async function namespaceOfPids(): Promise<string> {
  try {
    return await readlink('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
