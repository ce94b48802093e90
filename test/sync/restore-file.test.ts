import {open, readdir, readFile, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FileObjectStore} from '../../src/object-store/file/file-object-store.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {pushSession} from '../../src/sync/push-session.js'
import {restoreFile, writeAll} from '../../src/sync/restore-file.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

describe('a file is restored whole or not at all', () => {
  test('writeAll goes on where the last chunk ended, or where it is told', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    const path = join(a.root, 'file')
    const handle = await open(path, 'wx')
    await writeAll(handle, Buffer.from('one'))
    await writeAll(handle, Buffer.from('two'))
    await writeAll(handle, Buffer.from('2'), 4)
    await handle.close()
    expect(await readFile(path, 'utf8')).toBe('onet2o')
  })

  test('one that is shorter or longer than what was written into it does not take the old one’s place', async () => {
    await using a = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
    const path = join(a.configDir, 'file')
    await writeFile(path, 'before')
    for (const length of [2, 4]) {
      const restored = restoreFile({root: a.configDir, path, random: systemRandom}, 3, async (handle) => {
        await writeAll(handle, Buffer.from('new'))
        return length
      })
      await expect(restored).rejects.toMatchObject({code: 'WRITTEN_SHORT', kind: 'unreachable'})
    }
    expect(await readFile(path, 'utf8')).toBe('before')
    expect(await readdir(a.configDir)).toEqual(['file'])
  })

  // The kernel takes what still fits without an error, as a disk does that is full in the middle of a write.
  test.each(['transcript', 'attachment'])('a short write of a pulled %s fails the pull: exit 6', async (kind) => {
    await using store = await SyncWorker.start(new MemoryObjectStore({clock: systemClock}), 'store')
    const url = join(store.root, 'store')
    await using a = await SyncWorker.start(
      new FileObjectStore({directory: url, clock: systemClock, random: systemRandom}),
    )
    const long = 'x'.repeat(300_000)
    if (kind === 'transcript') await a.write('-a', message(1, long))
    else {
      await a.write('-a', message(1))
      await a.write('-a', long, SESSION, 'tool-results/long')
    }
    await pushSession(a.context, await a.session())

    await using b = await SyncWorker.start(a.context.store, 'b')
    const argv = [process.execPath, PROGRAM, 'pull', SESSION, '--store', url, '--config-dir', b.configDir]
    const ran = await execa('sh', ['-c', 'ulimit -f 200; exec "$@"', 'sh', ...argv], {
      env: {PATH: process.env['PATH'] ?? '', HOME: b.root, NO_COLOR: '1'},
      extendEnv: false,
      reject: false,
    })
    expect(ran.exitCode, ran.stderr).toBe(6)
    expect(ran.stdout).toContain('DISK_FULL')
    const left = await readdir(dirname(dirname(b.pathOf('-a'))), {recursive: true, withFileTypes: true}).catch(() => [])
    expect(left.filter((each) => each.isFile())).toEqual([])
  })
})
