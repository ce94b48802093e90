import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {readObject} from '../../src/object-store/read-object.js'
import {encodeTaskId, recordKey} from '../../src/registry/task-key.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'

const over = (store: ObjectStore) => new StoreRegistry({store, clock: systemClock, random: systemRandom})

const session = '00000000-0000-4000-8000-000000000001'
const other = '00000000-0000-4000-8000-000000000002'

describe('keys', () => {
  test.for<[string, string]>([
    ['T-1_x', 'T-1_x'],
    ['a/b', 'a%2Fb'],
    ['..', '%2E%2E'],
    ['ä', '%C3%A4'],
    ['a\u0308', 'a%CC%88'],
    ['🎈', '%F0%9F%8E%88'],
    ['a%2Fb', 'a%252Fb'],
    ['x'.repeat(128), 'x'.repeat(128)],
    ['.'.repeat(36), '%2E'.repeat(36)],
  ])('%j is stored as %j', ([id, encoded]) => {
    expect(encodeTaskId(id)).toBe(encoded)
  })

  test('what gets too long is cut and told apart by a hash of all of it', () => {
    const long = '.'.repeat(37)
    expect(encodeTaskId(long)).toMatch(/^(?:%2E){28}-[0-9a-f]{32}$/)
    expect(encodeTaskId(`${long}a`)).not.toBe(encodeTaskId(`${long}b`))
  })
})

async function put(store: ObjectStore, id: string, record: unknown): Promise<void> {
  const body = Buffer.from(typeof record === 'string' ? record : JSON.stringify(record))
  await store.put(recordKey('task', id), body, {mode: OVERWRITE})
}

describe('records written by others', () => {
  const time = '2026-01-01T00:00:00.000Z'
  const valid = {version: 1, kind: 'task', id: 'T', sessionId: session, earlier: [], createdAt: time, updatedAt: time}

  test('fields that are not ours stay through an update and a new session', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await put(store, 'T', {...valid, owner: {team: 'x'}, git: {branch: 'b', tag: 'v1'}})
    const registry = over(store)
    const stored = async () => {
      const object = await readObject(store, recordKey('task', 'T'), {limit: 10_000})
      return JSON.parse(Buffer.from(object?.bytes ?? []).toString()) as unknown
    }
    await registry.assign({kind: 'task', id: 'T', sessionId: session, status: 'ended'}, {mode: 'append'})
    expect(await stored()).toMatchObject({owner: {team: 'x'}, git: {branch: 'b', tag: 'v1'}, status: 'ended'})
    await registry.assign({kind: 'task', id: 'T', sessionId: other}, {mode: 'append'})
    expect(await stored()).toMatchObject({owner: {team: 'x'}, sessionId: other, earlier: [session]})
    await registry.unlink('task', 'T')
    expect(await stored()).toMatchObject({owner: {team: 'x'}, earlier: []})
  })

  test.for([
    ['no JSON', 'x'],
    ['another version', {...valid, version: 2}],
    ['a session that is a flag', {...valid, sessionId: '--dangerously-skip-permissions'}],
    ['a session that is a path', {...valid, earlier: ['../../x']}],
    ['a cwd that is no text', {...valid, cwd: ['/']}],
    ['a cwd without end', {...valid, cwd: 'x'.repeat(5000)}],
    ['more than a record holds', {...valid, rest: 'x'.repeat(300 * 1024)}],
  ] as const)('%s is refused by name and left out of listings', async ([, record]) => {
    const store = new MemoryObjectStore({clock: systemClock})
    const registry = over(store)
    await registry.assign({kind: 'task', id: 'good', sessionId: session}, {mode: 'create'})
    await registry.assign({kind: 'task', id: 'T', sessionId: session}, {mode: 'create'})
    await put(store, 'T', record)
    const refusal = {kind: 'bad-data', code: expect.stringMatching(/^(REGISTRY_DAMAGED|OBJECT_TOO_LARGE)$/)}
    await expect(registry.find('task', 'T')).rejects.toMatchObject(refusal)
    const move = registry.assign({kind: 'task', id: 'T', sessionId: other}, {mode: 'move'})
    await expect(move).rejects.toMatchObject(refusal)
    expect(await registry.findBySession(session)).toMatchObject([{id: 'good'}])
    for await (const entry of registry.list()) expect(entry.id).toBe('good')
  })

  test('a record under the key of another id is never taken for it', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await put(store, 'T', {...valid, id: 'U'})
    await expect(over(store).find('task', 'T')).rejects.toMatchObject({code: 'REGISTRY_COLLISION', kind: 'bad-data'})
    for await (const entry of over(store).list()) expect.unreachable(entry.id)
  })

  test('marks of others lead to records only, and only to those that name the session', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    const registry = over(store)
    await registry.assign({kind: 'task', id: 'T', sessionId: other}, {mode: 'create'})
    for (const mark of ['task-T', 'task-none', 'x', 'task-', 'name-a/b', 'task-..']) {
      await store.put(`.reprise/chains/${session}/${mark}`, new Uint8Array(0), {mode: OVERWRITE})
    }
    expect(await registry.findBySession(session)).toEqual([])
  })
})

test('a write whose answer got lost is not a conflict with itself', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  let lost = true
  const losing = new Proxy(store, {
    get(target, name) {
      if (name !== 'put') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
      return async (...args: Parameters<ObjectStore['put']>) => {
        const result = await target.put(...args)
        if (!args[0].startsWith('.reprise/tasks/') || !lost) return result
        lost = false
        // What a retry of a create that landed is answered.
        return target.put(...args)
      }
    },
  })
  const entry = await over(losing).assign({kind: 'task', id: 'T', sessionId: session}, {mode: 'create'})
  expect(entry).toMatchObject({sessionId: session, earlier: []})
  expect(lost).toBe(false)
})
