import {randomUUID} from 'node:crypto'
import {pino} from 'pino'
import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {createSessionStore, S3SessionStore} from '../../src/library/session-store.js'
import {storeError} from '../../src/object-store/errors.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {SessionEntry, SessionKey} from '../../src/sdk/types.js'

const key: SessionKey = {projectKey: '-w', sessionId: randomUUID()}
const said = (text: string): SessionEntry => ({
  type: 'user',
  uuid: randomUUID(),
  message: {role: 'user', content: text},
})

function fail(): never {
  throw new Error('of a program')
}

function memory(): MemoryObjectStore {
  return new MemoryObjectStore({clock: systemClock})
}

class Refusing extends MemoryObjectStore {
  isAway = true
  override async put(...args: Parameters<MemoryObjectStore['put']>) {
    if (this.isAway) throw storeError('ACCESS_DENIED', 'no')
    return super.put(...args)
  }
}

test('a logger of pino is told what happens, with its fields', async () => {
  const lines: Record<string, unknown>[] = []
  const logger = pino({level: 'warn'}, {write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>)})
  const store = new Refusing({clock: systemClock})
  await using sessions = createSessionStore({objectStore: store}, {logger})
  await expect(sessions.append(key, [said('a')])).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  store.isAway = false
  expect(lines).toMatchObject([
    {level: 50, msg: 'entries were not stored', sessionId: key.sessionId, code: 'ACCESS_DENIED', entries: 1},
  ])
})

test('a logger that throws costs nothing', async () => {
  const logger = {debug: fail, info: fail, warn: fail, error: fail}
  const store = new Refusing({clock: systemClock})
  await using sessions = createSessionStore({objectStore: store}, {logger})
  const entry = said('a')
  await expect(sessions.append(key, [entry])).rejects.toMatchObject({code: 'ACCESS_DENIED'})
  store.isAway = false
  await sessions.append(key, [entry])
  expect(await sessions.load(key)).toEqual([entry])
})

test('a fold of summaries that throws costs the summaries, and no entry', async () => {
  const sessions = createSessionStore({objectStore: memory()}, {foldSessionSummary: fail})
  const entries = Array.from({length: 600}, (_, index) => said(String(index)))
  for (let at = 0; at < entries.length; at += 200) await sessions.append(key, entries.slice(at, at + 200))
  expect(await sessions.flush()).toMatchObject({complete: true})
  expect(await sessions.load(key)).toEqual(entries)
  expect(await sessions.listSessions('-w')).toHaveLength(1)
  expect(await sessions.listSessionSummaries('-w')).toEqual([])
  await sessions.close()
})

test.each(['', '.reprise', '..', 'a/b', 'a\u0000b'])('a pinned project key that cannot be one, %j', (projectKey) => {
  expect(() => createSessionStore({objectStore: memory()}, {projectKey})).toThrow(
    expect.objectContaining({code: 'UNSAFE_KEY'}),
  )
})

test('what is wrong with a bucket or prefix shows when the store is made', () => {
  expect(() => new S3SessionStore({bucket: 'No Bucket'})).toThrow(expect.objectContaining({code: 'STORE_URL_INVALID'}))
  expect(() => new S3SessionStore({bucket: 'bucket', prefix: 'a/{task}'})).toThrow(
    expect.objectContaining({code: 'PLACEHOLDER_OPEN'}),
  )
})
