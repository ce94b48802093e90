import {describe, expect, test} from 'vitest'
import type {Logger} from '../../src/base/logger.js'
import {silentLogger} from '../../src/base/logger.js'
import {systemClock as clock, systemRandom} from '../../src/base/system.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import {storeError} from '../../src/object-store/errors.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectContent} from '../../src/object-store/object-store.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {Homes} from '../../src/store/home.js'
import {resolveSession} from '../../src/sync/select-sessions.js'

const ID = 'beefcafe-0000-4000-8000-000000000001'
const OTHER = 'beefcafe-0000-4000-8000-000000000002'

/** What a worker sees whose rights end at its own task. */
class OfOneTask extends ObjectStoreDecorator {
  refusal = storeError('ACCESS_DENIED', 'no right to read that')

  override async get(key: string): Promise<ObjectContent> {
    if (key.startsWith('.reprise/tasks/') && !key.includes('mine')) throw this.refusal
    return this.inner.get(key)
  }
}

async function worker() {
  const plain = new MemoryObjectStore({clock})
  await new StoreRegistry({store: plain, clock, random: systemRandom}).assign(
    {kind: 'task', id: 'mine', sessionId: ID},
    {mode: 'create'},
  )
  const store = new OfOneTask(plain)
  const told: string[] = []
  const logger: Logger = {
    ...silentLogger,
    debug: (message, fields) => told.push(`${message} ${JSON.stringify(fields)}`),
  }
  const sources = {
    registry: new StoreRegistry({store, clock, random: systemRandom}),
    localIds: async () => [ID],
    stored: {store, homes: new Homes(store)},
    logger,
  }
  return {store, told, sources}
}

describe('a worker that may look up its own task alone', () => {
  test('names a session by its id, and the log says what was not looked up', async () => {
    const {sources, told} = await worker()
    expect(await resolveSession(OTHER, sources)).toBe(OTHER)
    expect(told).toEqual([expect.stringContaining(OTHER)])
    expect(await resolveSession('mine', sources)).toBe(ID)
  })

  test('is told what it may not look up: the beginning of an id can be the name of a task', async () => {
    const {sources} = await worker()
    for (const text of ['beef', 'JIRA-17', OTHER.slice(0, -1)]) {
      await expect(resolveSession(text, sources)).rejects.toMatchObject({code: 'ACCESS_DENIED'})
    }
  })

  test('is told of any other failure, also for an id', async () => {
    const {sources, store} = await worker()
    store.refusal = storeError('STORE_UNREACHABLE', 'no answer')
    await expect(resolveSession(ID, sources)).rejects.toMatchObject({code: 'STORE_UNREACHABLE'})
  })
})
