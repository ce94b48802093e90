import {execFileSync} from 'node:child_process'
import {chmodSync} from 'node:fs'
import {readdir, readFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {message} from '../support/sync-worker.js'
import {ID, lines, Sandbox} from './support/sandbox.js'

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
/** Whether the other user can run this checkout at all. */
const canDrop = isRoot && runsAs(NOBODY)
const canMount = isRoot && process.platform === 'linux' && mounts()

function runsAs(uid: number): boolean {
  try {
    execFileSync(process.execPath, [join(import.meta.dirname, '../../bin/run.js'), '--version'], {
      uid,
      env: {HOME: '/'},
      stdio: 'ignore',
    })
    return true
  } catch {
    return false
  }
}

function mounts(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', '/mnt'], {stdio: 'ignore'})
    return true
  } catch {
    return false
  }
}

/** Everything belongs to the other user then. */
function handOver(here: Sandbox): void {
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, here.root])
}

describe('a directory that may not be written', () => {
  test('config dir, state and store: exit 5 names the path, nothing is changed', {timeout: 60_000}, async ({skip}) => {
    if (!canDrop && isRoot) {
      console.log('hostile: another user cannot run reprise here: read-only directories are not checked')
      skip()
    }
    const uid = isRoot ? {uid: NOBODY} : {}
    await using here = await Sandbox.make()
    await here.write(message(1))
    if (isRoot) handOver(here)
    expect((await here.run(['push'], uid)).exitCode).toBe(0)
    await using there = await here.another()
    there.setEnv({REPRISE_STORE: join(here.root, 'store')})
    if (isRoot) handOver(there)

    chmodSync(there.configDir, 0o500)
    const pulled = await there.contained(['pull', ID], uid)
    expect(pulled.exitCode, pulled.all).toBe(5)
    expect(pulled.all).toContain('TARGET_NOT_WRITABLE')
    expect(await there.names()).toEqual([])
    chmodSync(there.configDir, 0o700)
    expect((await there.contained(['pull', ID], uid)).exitCode).toBe(0)

    // A file that this user may not read.
    chmodSync(here.pathOf(), 0o000)
    const unreadable = await here.contained(['push', ID], uid)
    expect(unreadable.exitCode, unreadable.all).toBe(5)
    chmodSync(here.pathOf(), 0o600)
    // A state directory that cannot be written costs time, or is told; the store is what counts.
    const state = join(here.root, 'home', '.local')
    execFileSync('chmod', ['-R', 'a-w', state])
    const stateless = await here.contained(['push', ID], uid)
    expect([0, 5], stateless.all).toContain(stateless.exitCode)
    execFileSync('chmod', ['-R', 'u+w', state])
    // The store.
    execFileSync('chmod', ['-R', 'a-w', join(here.root, 'store')])
    await here.write(message(1) + message(2))
    if (isRoot) handOver(here)
    const refused = await here.contained(['push', ID], uid)
    expect(refused.exitCode, refused.all).toBe(5)
    execFileSync('chmod', ['-R', 'u+w', join(here.root, 'store')])
    expect((await here.run(['push', ID], uid)).exitCode).toBe(0)
  })

  test('a log or result file that cannot be written: exit 5, before anything is started', async () => {
    await using here = await Sandbox.make()
    const ran = await here.contained(['ls', '--log-file', join(here.root, 'nowhere', 'x.log')])
    expect(ran.exitCode).toBe(5)
    expect(ran.stderr).toContain('LOG_FILE_UNWRITABLE')
    const started = await here.contained(['run', '--result-file', join(here.root, 'nowhere', 'x.json')])
    expect(started.exitCode).toBe(5)
    expect(started.stderr).toContain('RESULT_FILE_UNWRITABLE')
    expect((await here.names()).length).toBe(0)
  })
})

describe('a full disk', () => {
  test(
    'pull: exit 6, the old file stands; push to a file store: exit 6, nothing half',
    {timeout: 60_000},
    async ({skip}) => {
      if (!canMount) {
        console.log('hostile: no tmpfs can be mounted here: full disks are not checked')
        skip()
      }
      await using here = await Sandbox.make()
      await using there = await here.another()
      const mountpoint = dirname(dirname(there.pathOf()))
      execFileSync('mkdir', ['-p', mountpoint])
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', mountpoint])
      try {
        await here.write(message(1))
        await here.run(['push'])
        expect((await there.run(['pull', ID])).exitCode).toBe(0)
        await here.write(message(1) + lines(80, 100_000))
        await here.run(['push', '--secrets', 'off'])
        const full = await there.contained(['pull', ID])
        expect(full.exitCode, full.all).toBe(6)
        expect(full.all).toContain('DISK_FULL')
        expect(await there.read()).toBe(message(1))
        expect(await readdir(dirname(there.pathOf()))).toEqual([`${ID}.jsonl`])

        const store = join(mountpoint, 'store')
        await here.write(message(1) + lines(250, 100_000))
        const refused = await here.contained(['push', '--secrets', 'off', '--store', store])
        expect(refused.exitCode, refused.all).toBe(6)
        const left = (await readdir(store, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile())
        expect(left.map(({name}) => name).filter((name) => name.startsWith('part-'))).toEqual([])
      } finally {
        execFileSync('umount', ['-l', mountpoint])
      }
      expect(await readFile(join(here.outside, 'secret'), 'utf8')).toBe('SECRET-CONTENT\n')
    },
  )
})
