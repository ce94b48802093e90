import {access, link, mkdir, readdir, rm, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {moveSessionHere} from '../../src/sync/move-session.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'

async function worker(): Promise<SyncWorker> {
  return SyncWorker.start(new MemoryObjectStore({clock: systemClock}))
}

describe('one copy here', () => {
  test('a copy under another key moves with all that belongs to it, and leaves nothing behind', async () => {
    await using a = await worker()
    await a.write('-old', message(1))
    await a.write('-old', message('s'), SESSION, 'subagents/deep/agent-x')
    expect(await moveSessionHere(a.context, SESSION, '-new')).toEqual(['-old'])
    expect(await a.read('-new')).toBe(message(1))
    expect(await a.read('-new', SESSION, 'subagents/deep/agent-x')).toBe(message('s'))
    expect(await readdir(join(a.configDir, 'projects'))).toEqual(['-new'])
  })

  test('of two copies the one that goes on longer stays, wherever it lies', async () => {
    for (const [here, there] of [
      [message(1), message(1) + message(2)],
      [message(1) + message(2), message(1)],
    ] as const) {
      await using a = await worker()
      await a.write('-new', here)
      await a.write('-old', there)
      await moveSessionHere(a.context, SESSION, '-new')
      expect(await a.read('-new')).toBe(message(1) + message(2))
      await expect(access(a.pathOf('-old'))).rejects.toThrow('ENOENT')
    }
  })

  test('two copies with bytes of their own are both left as they are', async () => {
    await using a = await worker()
    await a.write('-new', message(1) + message('new'))
    await a.write('-old', message(1) + message('old'))
    await expect(moveSessionHere(a.context, SESSION, '-new')).rejects.toMatchObject({code: 'SESSION_COPIES'})
    expect(await a.read('-new')).toBe(message(1) + message('new'))
    expect(await a.read('-old')).toBe(message(1) + message('old'))
  })

  test('a project key that is a link to the copy is refused before anything is touched', async () => {
    await using a = await worker()
    await a.write('-old', message(1) + message(2))
    const to = join(a.configDir, 'projects', '-new')
    await symlink('-old', to)
    await expect(moveSessionHere(a.context, SESSION, '-new')).rejects.toMatchObject({code: 'TARGET_LINKED'})
    expect(await a.read('-old')).toBe(message(1) + message(2))
    // As the error says: without the link it moves.
    await rm(to)
    await moveSessionHere(a.context, SESSION, '-new')
    expect(await a.read('-new')).toBe(message(1) + message(2))
  })

  test('so is one that leads to nothing, out of the config dir, or only for the files below it', async () => {
    for (const [name, target] of [
      ['-new', 'nowhere'],
      ['-new', '../..'],
      [`-new/${SESSION}`, `../-old/${SESSION}`],
    ] as const) {
      await using a = await worker()
      await a.write('-old', message(1))
      await a.write('-old', message('s'), SESSION, 'subagents/agent-x')
      if (name !== '-new') await mkdir(join(a.configDir, 'projects', '-new'))
      await symlink(target, join(a.configDir, 'projects', name))
      await expect(moveSessionHere(a.context, SESSION, '-new')).rejects.toMatchObject({code: 'TARGET_LINKED'})
      expect(await a.read('-old')).toBe(message(1))
      expect(await a.read('-old', SESSION, 'subagents/agent-x')).toBe(message('s'))
    }
  })

  test('a config dir that is itself a link moves as any other', async () => {
    await using a = await worker()
    await a.write('-old', message(1))
    const configDir = join(a.root, 'link')
    await symlink(a.configDir, configDir)
    await moveSessionHere({...a.context, configDir}, SESSION, '-new')
    expect(await a.read('-new')).toBe(message(1))
  })

  test('a file that is another name of the copy costs no byte', async () => {
    await using a = await worker()
    await a.write('-old', message(1))
    await mkdir(join(a.configDir, 'projects', '-new'))
    await link(a.pathOf('-old'), a.pathOf('-new'))
    await moveSessionHere(a.context, SESSION, '-new')
    expect(await a.read('-old')).toBe(message(1))
    await rm(a.pathOf('-new'))
    await symlink(a.pathOf('-old'), a.pathOf('-new'))
    await expect(moveSessionHere(a.context, SESSION, '-new')).rejects.toMatchObject({code: 'TARGET_BLOCKED'})
    expect(await a.read('-old')).toBe(message(1))
  })
})
