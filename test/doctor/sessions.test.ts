import {describe, expect, test} from 'vitest'
import {sha256Hex} from '../../src/base/hash.js'
import {listAll} from '../../src/object-store/list-all.js'
import {CREATE, type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {compactTranscript} from '../../src/store/compact-transcript.js'
import {readSummary} from '../../src/store/summary-record.js'
import {viewTranscript} from '../../src/store/view.js'
import {type Stamp, writeRange} from '../../src/store/write-part.js'
import {leaseContext, writeContext} from '../../src/sync/context.js'
import {SessionMirror} from '../../src/sync/mirror.js'
import {pushSession} from '../../src/sync/push-session.js'
import {countParts, delivered, HOME, openStoreOf, pushLines, REF, type StoreKind} from '../support/compactable.js'
import {appendReference} from '../support/reference-adapter.js'
import {message, SESSION, SyncWorker} from '../support/sync-worker.js'
import {examineAt, HOUR, storeAt} from './support.js'

const KEY = {projectKey: HOME, sessionId: SESSION}

/** A part with these lines after the first `from` bytes of what is stored, by that right. */
async function writeAt(
  {context}: SyncWorker,
  from: number,
  lines: string,
  stamp: Stamp,
  now = Date.now(),
): Promise<void> {
  const {listing} = await viewTranscript(context.parts, REF)
  const before = Buffer.from((await delivered(context.store)).slice(0, from))
  const body = Buffer.from(lines)
  const after = sha256Hex(Buffer.concat([before, body]))
  const run = {from, to: from + body.length, before: sha256Hex(before), after, entries: 1, body}
  const last = listing.parts.at(-1)?.parsed?.ms ?? 0
  await writeRange(writeContext(context), REF, run, stamp, last, now)
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await listAll(store, {prefix})).objects.map(({key}) => key)
}

describe('merges that were interrupted', () => {
  test.each<StoreKind>(['memory', 'file', 's3'])(
    'are told, and finished when readers have had their time: %s',
    async (kind) => {
      await using opened = await openStoreOf(kind)
      const {store} = opened
      await using a = await SyncWorker.start(store)
      const text = await pushLines(a, 8)
      await compactTranscript(a.context, REF, {grace: HOUR})
      expect(await countParts(store)).toBeGreaterThan(8)
      const report = await examineAt(a, {fix: true})
      // The grace of a merge that was made this moment.
      expect(report.told).toEqual([`warning merge-interrupted ${SESSION} left`])
      expect(await delivered(store)).toBe(text)
    },
  )

  test('by deleting what was merged, once the grace is over, and nothing where another has the session', async () => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    const text = await pushLines(a, 8)
    await compactTranscript(a.context, REF, {grace: HOUR})
    const before = await countParts(store)
    clock.now += 2 * 60_000
    const lease = await SessionLease.acquire(leaseContext(b.context), SESSION)
    expect((await examineAt(a, {fix: true})).told).toEqual([`warning merge-interrupted ${SESSION} left`])
    expect(await countParts(store)).toBe(before)
    await lease.release()
    const report = await examineAt(a, {fix: true})
    expect(report.told).toEqual([`warning merge-interrupted ${SESSION} fixed`])
    expect(report.totals.fixed).toBe(1)
    expect(await countParts(store)).toBe(1)
    expect(await delivered(store)).toBe(text)
    expect((await examineAt(a)).told).toEqual([])
  })
})

describe('parts beside the chain', () => {
  test('of another program, and of two writers at once', async () => {
    const store = storeAt({now: Date.now()})
    await using a = await SyncWorker.start(store)
    await pushLines(a, 2)
    const half = (await delivered(store)).length / 2
    await writeAt(a, half, message('fork'), {epoch: 0, leased: false, gen: 0})
    expect((await examineAt(a)).told).toEqual([`warning forked-parts ${SESSION}`])
    await appendReference(store, KEY, [message('loose').trimEnd()], Date.now() + 1000)
    expect((await examineAt(a)).told).toEqual([`note loose-parts ${SESSION}`, `warning forked-parts ${SESSION}`])
  })

  test.each([
    ['below a tip of an older lease', false],
    ['below a tip whose holder was cut off', true],
  ])('of a worker that had lost the session go aside: %s', async (_, isCutOff) => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using a = await SyncWorker.start(store, 'a')
    await using b = await SyncWorker.start(store, 'b')
    await a.write(HOME, message(1))
    await pushSession(a.context, await a.session())
    await SessionLease.acquire(leaseContext(a.context), SESSION)
    const lease = await SessionLease.acquire(leaseContext(b.context), SESSION, {force: true})
    await b.write(HOME, message(1) + message('b'))
    const mirror = new SessionMirror(b.context, lease, REF, {projectKey: HOME})
    await mirror.begin()
    await mirror[Symbol.asyncDispose]()
    await writeAt(a, message(1).length, message('late'), {epoch: 1, leased: true, gen: 0})
    if (!isCutOff) await lease.release()
    const text = await delivered(store)
    expect(text).toBe(message(1) + message('b'))
    const isDead = () => isCutOff
    const sync = {...a.context, isDead}
    expect((await examineAt(a, {sync})).told).toContain(`warning fenced-parts ${SESSION}`)
    // Readers may be at them yet.
    expect((await examineAt(a, {sync, fix: true})).told).toContain(`warning fenced-parts ${SESSION} left`)
    expect(await delivered(store)).toBe(text)
    clock.now += HOUR
    const report = await examineAt(a, {sync, fix: true})
    expect(report.told).toContain(`warning fenced-parts ${SESSION} fixed`)
    expect(await keysOf(store, '.reprise/late/')).toHaveLength(1)
    expect(await delivered(store)).toBe(text)
    expect((await examineAt(a)).told).toEqual([`warning late-parts ${SESSION}`])
  })

  test('whose metadata a copy lost', async () => {
    const store = storeAt({now: Date.now()})
    await using a = await SyncWorker.start(store)
    await pushLines(a, 3)
    const [, second = ''] = await keysOf(store, `${HOME}/`)
    const {body} = await store.get(second)
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    await store.put(second, Buffer.concat(chunks), {mode: OVERWRITE})
    expect((await examineAt(a)).told).toContain(`warning metadata-lost ${SESSION}`)
  })

  test('a rebase that was not finished', async () => {
    const store = storeAt({now: Date.now()})
    await using a = await SyncWorker.start(store)
    await pushLines(a, 2)
    const name = (await keysOf(store, `${HOME}/`)).at(-1)?.split('/').at(-1) ?? ''
    const journal = Buffer.from(JSON.stringify({version: 1, confirmed: false, displaced: []}))
    await store.put(`.reprise/rebase/${SESSION}/${name}.json`, journal, {mode: CREATE})
    expect((await examineAt(a)).told).toEqual([`warning rebase-interrupted ${SESSION}`])
    await store.put(`.reprise/rebase/${SESSION}/${name}.json`, Buffer.from('{'), {mode: OVERWRITE})
    expect((await examineAt(a)).told).toEqual([`problem journal-damaged ${SESSION}`])
  })
})

describe('how parts are named, and how many there are', () => {
  test('more than merging begins at', async () => {
    const store = storeAt({now: Date.now()})
    await using a = await SyncWorker.start(store)
    await pushLines(a, 6)
    const sync = {...a.context, compactAt: 5}
    expect((await examineAt(a, {sync})).told).toEqual([`warning many-parts ${SESSION}`])
    expect((await examineAt(a)).told).toEqual([])
  })

  test.each([
    [2, 'warning'],
    [800, 'problem'],
  ])('%i days ahead', async (days, severity) => {
    const store = storeAt({now: Date.now()})
    await using a = await SyncWorker.start(store)
    await a.write(HOME, message(1))
    await appendReference(store, KEY, [message(1).trimEnd()], Date.now() + days * 24 * HOUR)
    expect((await examineAt(a)).told).toContain(`${severity} part-from-future ${SESSION}`)
  })
})

describe('leases', () => {
  test('of a dead process here are released, expired ones told, damaged ones too', async () => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using a = await SyncWorker.start(store)
    await SessionLease.acquire(leaseContext(a.context), SESSION)
    expect((await examineAt(a)).told).toEqual([])
    const sync = {...a.context, isDead: () => true}
    expect((await examineAt(a, {sync, fix: true})).told).toEqual([`warning lease-dead ${SESSION} fixed`])
    expect((await examineAt(a, {sync})).told).toEqual([])

    await SessionLease.acquire(leaseContext(a.context), SESSION)
    clock.now += 5 * 60_000
    expect((await examineAt(a)).told).toEqual([`note lease-expired ${SESSION}`])
    const key = `.reprise/leases/${SESSION}.json`
    await store.put(key, Buffer.from('{}'), {mode: OVERWRITE})
    expect((await examineAt(a)).told).toEqual([`problem lease-damaged ${key}`])
  })
})

describe('the index', () => {
  test('a session without a summary gets one, a summary without a session goes', async () => {
    const clock = {now: Date.now()}
    const store = storeAt(clock)
    await using a = await SyncWorker.start(store)
    await pushLines(a, 3)
    const before = await readSummary(store, SESSION)
    await store.delete([`.reprise/sessions/${SESSION}.json`])
    const other = SESSION.replace('1', '2')
    await store.put(`.reprise/sessions/${other}.json`, Buffer.from('{}'), {mode: CREATE})
    expect((await examineAt(a)).told).toEqual([`note summary-missing ${SESSION}`])
    clock.now += HOUR
    expect((await examineAt(a, {fix: true})).told).toEqual([
      `note summary-orphaned ${other} fixed`,
      `note summary-missing ${SESSION} fixed`,
    ])
    expect(await readSummary(store, SESSION)).toEqual(before)
    expect((await examineAt(a)).told).toEqual([])
  })

  test('a home record that leads nowhere, or that cannot be read, and a session under two keys', async () => {
    const store = storeAt({now: Date.now()})
    await using a = await SyncWorker.start(store)
    await pushLines(a, 1)
    const key = `.reprise/home/${SESSION}`
    await store.put(key, Buffer.from('-moved\n'), {mode: OVERWRITE})
    expect((await examineAt(a)).told).toEqual([`problem home-elsewhere ${SESSION}`])
    await store.put(key, Buffer.from('a/b'), {mode: OVERWRITE})
    expect((await examineAt(a)).told).toEqual([`problem home-damaged ${key}`])
    await store.put(key, Buffer.from(`${HOME}\n`), {mode: OVERWRITE})
    await appendReference(store, {projectKey: '-b', sessionId: SESSION}, [message('x').trimEnd()], Date.now())
    expect((await examineAt(a)).told).toEqual([`note loose-parts ${SESSION}`, `note session-twice ${SESSION}`])
  })
})

test('nothing is mended without approval, and no entry goes by mending', async () => {
  const clock = {now: Date.now()}
  const store = storeAt(clock)
  await using a = await SyncWorker.start(store)
  await pushLines(a, 8)
  await compactTranscript(a.context, REF, {grace: HOUR})
  clock.now += HOUR
  const before = await keysOf(store, '')
  const {findings} = await examineAt(a)
  expect(findings.filter(({fixable}) => fixable).map(({code}) => code)).toEqual(['merge-interrupted'])
  expect(await keysOf(store, '')).toEqual(before)
})
