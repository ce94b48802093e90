import {describe, expect, test} from 'vitest'
import {RepriseError} from '../../src/base/errors.js'
import type {Entry, EntryKind, Link, Registry} from '../../src/registry/registry.js'

/** An empty registry; each client is one of its own, as on another machine. */
export interface RegistryTarget {
  client(): Registry
}

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const task = (name: string, session: number, facts: Partial<Link> = {}): Link => ({
  kind: 'task',
  id: name,
  sessionId: id(session),
  ...facts,
})
const codeOf = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof RepriseError ? error.code : error),
  )

const sortKey = ({kind, id: name}: Entry) => `${kind === 'task' ? 0 : 1}${name}`

async function all(registry: Registry): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of registry.list()) entries.push(entry)
  return entries.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

/** What every registry must do. Each case gets a registry of its own. */
export function describeRegistry(title: string, open: () => Promise<RegistryTarget>): void {
  describe(`${title}: a registry`, () => {
    test('finds nothing where nothing was linked', async () => {
      const registry = (await open()).client()
      expect(await registry.find('task', 'T')).toBeUndefined()
      expect(await registry.findBySession(id(1))).toEqual([])
      expect(await all(registry)).toEqual([])
      expect(await registry.unlink('task', 'T')).toBeUndefined()
    })

    test('finds what another client linked: by task, by name, by session', async () => {
      const target = await open()
      const facts = {
        homeKey: '-w',
        cwd: '/w',
        agent: 'claude',
        store: 's3://b/p',
        machine: 'a',
        status: 'running',
        git: {branch: 'main', commit: 'c0ffee'},
        launch: {version: '2.1.329', print: true},
        costUsd: 0.1 + 0.2,
        durationMs: 93_000,
      }
      const linked = await target.client().assign(task('T', 1, facts), {mode: 'create'})
      expect(linked).toMatchObject({...task('T', 1, facts), earlier: []})
      const name = await target.client().assign({kind: 'name', id: 'T', sessionId: id(1)}, {mode: 'create'})
      const other = target.client()
      expect(await other.find('task', 'T')).toEqual(linked)
      expect(await other.find('name', 'T')).toEqual(name)
      expect(await other.findBySession(id(1))).toEqual([linked, name])
      expect(await all(other)).toEqual([linked, name])
      for (const time of [linked.createdAt, linked.updatedAt]) expect(new Date(time).toISOString()).toBe(time)
    })

    test('create refuses another session, and is safe to repeat with the same one', async () => {
      const registry = (await open()).client()
      await registry.assign(task('T', 1, {machine: 'a'}), {mode: 'create'})
      expect(await codeOf(registry.assign(task('T', 2), {mode: 'create'}))).toBe('TASK_TAKEN')
      const again = await registry.assign(task('T', 1, {status: 'ended'}), {mode: 'create'})
      expect(again).toMatchObject({sessionId: id(1), earlier: [], machine: 'a', status: 'ended'})
      expect(await registry.findBySession(id(2))).toEqual([])
    })

    test('leaves out facts that cannot be kept, and keeps the rest', async () => {
      const target = await open()
      const odd = {
        branch: 'b',
        cwd: 'c'.repeat(5_000),
        status: 's'.repeat(300),
        costUsd: Number.NaN,
        durationMs: -1,
        git: {branch: 'b'.repeat(5_000), commit: 'c0ffee'},
        machine: 'm',
      }
      const linked = await target.client().assign(task('T', 1, odd), {mode: 'create'})
      expect(linked).toMatchObject({sessionId: id(1), machine: 'm'})
      expect(await target.client().find('task', 'T')).toEqual(linked)
      expect([linked.cwd, linked.status, linked.costUsd, linked.durationMs]).toEqual(Array.from({length: 4}))
      await target.client().assign(task('T', 2), {mode: 'append'})
    })

    test('append makes a chain; every session in it finds the task', async () => {
      const registry = (await open()).client()
      await registry.assign(task('T', 1, {machine: 'a', cwd: '/a'}), {mode: 'append'})
      await registry.assign(task('T', 2, {machine: 'b'}), {mode: 'append'})
      const entry = await registry.assign(task('T', 3), {mode: 'append', after: id(2)})
      expect(entry).toMatchObject({sessionId: id(3), earlier: [id(1), id(2)]})
      // What was known of another session is not said of this one.
      expect([entry.machine, entry.cwd]).toEqual([undefined, undefined])
      for (const n of [1, 2, 3]) expect(await registry.findBySession(id(n))).toEqual([entry])
      const back = await registry.assign(task('T', 1), {mode: 'append'})
      expect(back).toMatchObject({sessionId: id(1), earlier: [id(2), id(3)]})
    })

    test('append after a session that is not the current one any more is refused', async () => {
      const registry = (await open()).client()
      await registry.assign(task('T', 1), {mode: 'create'})
      await registry.assign(task('T', 2), {mode: 'append', after: id(1)})
      expect(await codeOf(registry.assign(task('T', 3), {mode: 'append', after: id(1)}))).toBe('TASK_TAKEN')
      expect(await registry.find('task', 'T')).toMatchObject({sessionId: id(2), earlier: [id(1)]})
    })

    test('move begins a new chain', async () => {
      const registry = (await open()).client()
      await registry.assign(task('T', 1), {mode: 'create'})
      expect(await registry.assign(task('T', 2), {mode: 'move'})).toMatchObject({sessionId: id(2), earlier: []})
      expect(await registry.findBySession(id(1))).toEqual([])
    })

    test('unlink tells what was linked, once, and leaves the id free', async () => {
      const registry = (await open()).client()
      const linked = await registry.assign(task('T', 1, {cwd: '/a'}), {mode: 'create'})
      expect(await registry.unlink('task', 'T')).toEqual(linked)
      expect(await registry.unlink('task', 'T')).toBeUndefined()
      expect(await registry.find('task', 'T')).toBeUndefined()
      expect(await registry.findBySession(id(1))).toEqual([])
      expect(await all(registry)).toEqual([])
      const again = await registry.assign(task('T', 2), {mode: 'create'})
      expect(again).toMatchObject({sessionId: id(2), earlier: []})
      expect(again.cwd).toBeUndefined()
    })

    test('an id is any text of 128 characters, and every id is its own', async () => {
      const registry = (await open()).client()
      const odd = [
        '.',
        '..',
        'a/b',
        'a\\b',
        'a',
        '-',
        '--force',
        'a b',
        'a%20b',
        '%',
        'T\n',
        '\u0000',
        'C:\\x',
        'ä',
        'a\u0308',
      ]
      const hostile = ['$(touch x)', `'; touch x; '`, '../../leases/x', '__proto__']
      const long = ['x'.repeat(128), '🎈'.repeat(128), `${'🎈'.repeat(127)}a`, '%'.repeat(128)]
      const ids = [...odd, ...hostile, ...long]
      for (const [n, name] of ids.entries()) await registry.assign(task(name, n), {mode: 'create'})
      for (const [n, name] of ids.entries()) {
        expect(await registry.find('task', name)).toMatchObject({id: name, sessionId: id(n)})
        expect(await registry.findBySession(id(n))).toMatchObject([{id: name}])
      }
      expect(await all(registry)).toHaveLength(ids.length)
    })

    test.for<[EntryKind, string]>([
      ['task', ''],
      ['task', 'x'.repeat(129)],
      ['task', '\ud800'],
      ['name', id(1)],
    ])('the %s %j is refused everywhere', async ([kind, name]) => {
      const registry = (await open()).client()
      const link = {kind, id: name, sessionId: id(1)}
      expect(await codeOf(registry.assign(link, {mode: 'create'}))).toBe('TASK_ID_INVALID')
      expect(await codeOf(registry.find(kind, name))).toBe('TASK_ID_INVALID')
      expect(await codeOf(registry.unlink(kind, name))).toBe('TASK_ID_INVALID')
    })

    test('what is no session id is refused', async () => {
      const registry = (await open()).client()
      for (const sessionId of ['', '--resume', '../x', `${id(1)}/..`]) {
        const link = {kind: 'task' as const, id: 'T', sessionId}
        expect(await codeOf(registry.assign(link, {mode: 'move'}))).toBe('SESSION_ID_INVALID')
      }
    })
  })
}

/** What a registry must do when many write at once. Apart, since an emulator may not do it. */
export function describeRegistryRaces(title: string, open: () => Promise<RegistryTarget>): void {
  describe(`${title}: a registry in races`, () => {
    test('of racing creates one wins, and every loser sees it', async () => {
      const target = await open()
      for (let round = 0; round < 5; round++) {
        const link = (n: number) => task(`T${round}`, n)
        const racers = Array.from({length: 6}, async (_, n) =>
          codeOf(target.client().assign(link(n), {mode: 'create'})),
        )
        const outcomes = await Promise.all(racers)
        expect(outcomes.filter((outcome) => outcome === 'TASK_TAKEN')).toHaveLength(5)
        const winner = await target.client().find('task', `T${round}`)
        expect(winner?.sessionId).toBe(id(outcomes.indexOf('resolved')))
      }
    })

    test('of racing appends after one session one wins', async () => {
      const target = await open()
      await target.client().assign(task('T', 0), {mode: 'create'})
      const racers = [1, 2, 3, 4].map(async (n) =>
        codeOf(target.client().assign(task('T', n), {mode: 'append', after: id(0)})),
      )
      const outcomes = await Promise.all(racers)
      expect(outcomes.filter((outcome) => outcome === 'resolved')).toHaveLength(1)
      expect(await target.client().find('task', 'T')).toMatchObject({earlier: [id(0)]})
    })

    test('racing appends are all in the chain, each once', async () => {
      const target = await open()
      const numbers = [1, 2, 3, 4, 5, 6]
      await Promise.all(numbers.map(async (n) => target.client().assign(task('T', n), {mode: 'append'})))
      const entry = await target.client().find('task', 'T')
      expect(entry?.earlier).toHaveLength(5)
      expect(new Set([...(entry?.earlier ?? []), entry?.sessionId])).toEqual(new Set(numbers.map(id)))
    })

    test('an unlink that races an append loses nothing: the append is before it or after it', async () => {
      const target = await open()
      for (let round = 0; round < 5; round++) {
        const name = `T${round}`
        await target.client().assign(task(name, 1), {mode: 'create'})
        const [, removed] = await Promise.all([
          target.client().assign(task(name, 2), {mode: 'append'}),
          target.client().unlink('task', name),
        ])
        const left = await target.client().find('task', name)
        const appendFirst = [id(2), [id(1)], undefined, undefined]
        const unlinkFirst = [id(1), [], id(2), []]
        const outcome = [removed?.sessionId, removed?.earlier, left?.sessionId, left?.earlier]
        expect([appendFirst, unlinkFirst]).toContainEqual(outcome)
      }
    })
  })
}
