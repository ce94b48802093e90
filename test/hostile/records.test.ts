import {describe, expect, test} from 'vitest'
import {message} from '../support/sync-worker.js'
import {ID, idOf, Sandbox, sessionsOf} from './support/sandbox.js'

const PART = 'part-1700000000000-abcdef.jsonl'
/** As deep as fits into a record of 64 KB. */
const DEEP = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
const GARBAGE: readonly string[] = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '\u0000\u0001',
  '{"version":99}',
  '{"__proto__":{"version":1}}',
  DEEP,
  ' '.repeat(3_000_000),
]
const TIME = '2026-01-01T00:00:00.000Z'

/** As many sessions as there are kinds of garbage, and one more. */
async function sessions(keyOf: (id: string) => string, bodies: readonly string[] = GARBAGE) {
  const here = await Sandbox.make()
  const {server} = await here.useS3()
  for (const [index, body] of bodies.entries()) {
    server.store.plant(server.bucket, `p/-work/${idOf(index)}/${PART}`, message(1))
    server.store.plant(server.bucket, `p/${keyOf(idOf(index))}`, body)
  }
  server.store.plant(server.bucket, `p/-work/${ID}/${PART}`, message(1))
  const ids = bodies.map((_, index) => idOf(index))
  return {here, server, ids, [Symbol.asyncDispose]: () => here[Symbol.asyncDispose]()}
}

function codesOf(ran: Parameters<typeof sessionsOf>[0], ids: readonly string[]): ReadonlySet<string> {
  const told = sessionsOf(ran)
  return new Set(ids.map((id) => told.get(id)?.error?.code ?? `no error for ${id}`))
}

describe('records that are none', () => {
  test('lease: who depends on it stops with exit 7, other sessions go on', async () => {
    await using all = await sessions((id) => `.reprise/leases/${id}.json`)
    const {here, ids} = all
    for (const id of [...ids, ID]) await here.write(message(1) + message(2), id)
    const pushed = await here.contained(['push', '--all', '--json'])
    expect(pushed.exitCode, pushed.all).toBe(7)
    expect(codesOf(pushed, ids)).toEqual(new Set(['LEASE_DAMAGED', 'OBJECT_TOO_LARGE']))
    expect(sessionsOf(pushed).get(ID)?.action).toBe('pushed')
    const resumed = await here.contained(['resume', ids[0] ?? ''])
    expect(resumed.exitCode, resumed.all).toBe(7)
    expect(resumed.all).toContain('LEASE_DAMAGED')
  })

  test('rebase journal: exit 7 for a session with loose parts', async () => {
    await using all = await sessions((id) => `.reprise/rebase/${id}/${PART}.json`)
    const {here, ids} = all
    const pulled = await here.contained(['pull', '--json', ID, ...ids])
    expect(pulled.exitCode, pulled.all).toBe(7)
    expect(codesOf(pulled, ids)).toEqual(new Set(['JOURNAL_DAMAGED']))
    expect(sessionsOf(pulled).get(ID)?.action).toBe('pulled')
  })

  test('summary: the session is listed by its parts', async () => {
    await using all = await sessions((id) => `.reprise/sessions/${id}.json`)
    const listed = await all.here.contained(['ls', '--ids-only'])
    expect(listed.exitCode, listed.all).toBe(0)
    expect(listed.stdout.trim().split('\n').toSorted()).toEqual([...all.ids, ID].toSorted())
  })

  test('task: exit 7', async () => {
    await using all = await sessions((id) => `.reprise/tasks/T-${Number(id.slice(0, 8))}.json`)
    const {here} = all
    for (const argv of [
      ['pull', 'T-0'],
      ['link', 'T-1', ID],
      ['unlink', 'T-9'],
      ['run', '--task', 'T-2'],
    ]) {
      const ran = await here.contained(argv)
      expect(ran.exitCode, ran.all).toBe(7)
      expect(ran.all).toMatch(/REGISTRY_DAMAGED|OBJECT_TOO_LARGE/)
    }
  })

  test('the one of the store: push goes on, who needs a lease stops with exit 7', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    server.store.plant(server.bucket, 'p/.reprise/store.json', '{')
    await here.write(message(1))
    expect((await here.contained(['push'])).exitCode).toBe(0)
    const ran = await here.contained(['run'])
    expect(ran.exitCode, ran.all).toBe(7)
    expect(ran.all).toContain('STORE_RECORD_DAMAGED')
  })
})

describe('records with members that nest without end', () => {
  test('task: exit 7 before it would have to be written again', async () => {
    await using all = await sessions(() => 'unused', [])
    const {here, server} = all
    server.store.plant(
      server.bucket,
      'p/.reprise/tasks/T.json',
      `{"version":1,"kind":"task","id":"T","sessionId":"${ID}","earlier":[],"createdAt":"${TIME}","updatedAt":"${TIME}","x":${DEEP}}`,
    )
    for (const argv of [
      ['link', 'T', ID],
      ['unlink', 'T'],
    ]) {
      const ran = await here.contained(argv)
      expect(ran.exitCode, ran.all).toBe(7)
      expect(ran.all).toContain('REGISTRY_DAMAGED')
    }
  })
})
