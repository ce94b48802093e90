import {access, readdir} from 'node:fs/promises'
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
})
