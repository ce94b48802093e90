import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {silentProgress} from '../../src/base/progress.js'
import {listAll} from '../../src/object-store/list-all.js'
import {FaultyObjectStore} from '../../src/object-store/faulty.js'
import type {FaultPlan} from '../../src/object-store/faults.js'
import {type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {pushSession} from '../../src/sync/push-session.js'
import {failuresIn, verifyMany, type VerifyReport} from '../../src/sync/verify-many.js'
import {verifySession} from '../../src/sync/verify-session.js'
import {archiveTranscript} from '../../src/store/archive.js'
import {underLease} from '../../src/sync/session-lease.js'
import {writeContext} from '../../src/sync/context.js'
import {HOME, listSession, openStoreOf, pushLines, REF, STORE_KINDS, SUBPATH} from '../support/compactable.js'
import {appendReference} from '../support/reference-adapter.js'
import {bookkeeping, message, SESSION, SyncWorker} from '../support/sync-worker.js'

const KEY = {projectKey: HOME, sessionId: SESSION}

async function verify({context}: SyncWorker, readData = true): Promise<VerifyReport> {
  return verifyOn(context.store, readData)
}

/** By a machine of its own: what this one knows of parts would hide what became of them. */
async function verifyOn(store: ObjectStore, readData = true): Promise<VerifyReport> {
  await using fresh = await SyncWorker.start(store, 'verifier')
  const {context} = fresh
  const registry = new StoreRegistry(context)
  const options = {named: [], localIds: async () => [], concurrency: 2, progress: silentProgress, readData}
  return await verifyMany(context, registry, options)
}

function codes({sessions}: VerifyReport): string[] {
  return sessions.flatMap(({findings}) => findings.map(({code, severity}) => `${severity} ${code}`))
}

/** As an entry that goes on from another one. */
function child(id: number | string, parent: number | string | null, more: object = {}): string {
  const parentUuid = parent === null ? null : `uuid-${parent}`
  return `${JSON.stringify({type: 'user', uuid: `uuid-${id}`, parentUuid, ...more})}\n`
}

async function partKeys(store: ObjectStore): Promise<string[]> {
  return (await listSession(store)).transcripts.flatMap(({parts}) => parts.map(({key}) => key))
}

async function replace(store: ObjectStore, key: string, change: (bytes: Buffer) => Buffer, keep = true): Promise<void> {
  const {body, metadata} = await store.get(key)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  await store.put(key, change(Buffer.concat(chunks)), {mode: OVERWRITE, ...(keep && {metadata})})
}

async function pushText(worker: SyncWorker, text: string, subpath?: string): Promise<void> {
  await worker.write(HOME, text, SESSION, subpath)
  await pushSession(worker.context, await worker.session())
}

describe.each(STORE_KINDS)('on a store of kind %s', (kind) => {
  test('what is whole is ok, with and without its data', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    const text = await pushLines(worker, 4)
    await pushLines(worker, 2, SUBPATH)
    const read = await verify(worker)
    expect(read).toMatchObject({
      sessions: [
        {sessionId: SESSION, projectKey: HOME, state: 'ok', transcripts: 2, parts: 6, entries: 6, findings: []},
      ],
      totals: {sessions: 1, states: {ok: 1}, parts: 6, findings: 0},
    })
    expect(read.totals.bytes).toBeGreaterThan(text.length)
    expect(failuresIn(read)).toEqual([])
    expect((await verify(worker, false)).sessions[0]).toMatchObject({state: 'ok'})
  })

  test('a part that is gone is a gap, told without reading', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 4)
    const [, second = '', third = ''] = await partKeys(opened.store)
    await opened.store.delete([second])
    const report = await verify(worker, false)
    expect(report.sessions[0]?.state).toBe('damaged')
    expect(report.sessions[0]?.findings[0]).toMatchObject({code: 'range-gap', severity: 'damaged', key: third})
    expect(failuresIn(report)).toEqual(['bad-data'])
  })

  test('bytes that are not what their digest says are found by reading alone', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 3)
    const [, second = ''] = await partKeys(opened.store)
    await replace(opened.store, second, (bytes) => Buffer.from(bytes.toString().replace('message', 'massage')))
    expect(codes(await verify(worker, false))).toEqual([])
    expect(codes(await verify(worker))).toEqual(['damaged part-damaged'])
  })

  test('a part that was cut short contradicts its metadata', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 3)
    const [, second = ''] = await partKeys(opened.store)
    await replace(opened.store, second, (bytes) => bytes.subarray(0, 20))
    expect(codes(await verify(worker, false))).toEqual(['damaged metadata-contradicts', 'damaged range-gap'])
  })

  test('metadata that a copy lost is told, and no gap', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 4)
    const [, second = ''] = await partKeys(opened.store)
    await replace(opened.store, second, (bytes) => bytes, false)
    expect(codes(await verify(worker, false))).toEqual(['warning metadata-lost'])
    for (const key of await partKeys(opened.store)) await replace(opened.store, key, (bytes) => bytes, false)
    const all = await verify(worker)
    expect(all.sessions[0]?.findings).toMatchObject([{code: 'metadata-lost', count: 4}])
  })
})

describe('names, keys and summaries', () => {
  test('a part under another name than its own', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 2)
    const [, second = ''] = await partKeys(opened.store)
    const {metadata} = (await opened.store.head(second)) ?? {metadata: {}}
    const renamed = second.replace(/[0-9a-f]{6}\.jsonl$/, 'abcdef.jsonl')
    await opened.store.copy(second, renamed, {mode: OVERWRITE, metadata})
    await opened.store.delete([second])
    expect(codes(await verify(worker, false))).toEqual(['damaged name-mismatch'])
  })

  test('an end that is missing', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 3)
    const keys = await partKeys(opened.store)
    await opened.store.delete(keys.slice(-1))
    expect(codes(await verify(worker, false))).toEqual(['warning shorter-than-summary'])
  })

  test('another program beside the chain is a warning, and alone it is none', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    await appendReference(opened.store, KEY, [message('x').trimEnd()], Date.now())
    expect(codes(await verify(worker))).toEqual([])
    const other = {projectKey: '-b', sessionId: SESSION.replace('1', '2')}
    await appendReference(opened.store, other, [child(2, 1).trimEnd()], Date.now())
    const found = (await verify(worker)).sessions.find(({projectKey}) => projectKey === '-b')
    expect(found).toMatchObject({state: 'damaged', findings: [{code: 'parent-missing', line: 1}]})
  })

  test('loose lines beside a chain of ours', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    await pushLines(worker, 2)
    await appendReference(opened.store, KEY, [message('loose').trimEnd()], Date.now() + 1000)
    expect(codes(await verify(worker))).toEqual(['warning loose-parts'])
  })
})

describe('lines', () => {
  test('the shapes that claude leaves are sound: a compaction, a fork, bookkeeping, a subagent of an entry', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    const started = child(3, 2, {toolUseResult: {agentId: '1', status: 'completed'}})
    const boundary = child('c', null, {
      type: 'system',
      subtype: 'compact_boundary',
      logicalParentUuid: 'uuid-elsewhere',
    })
    const leaf = `${JSON.stringify({type: 'last-prompt', leafUuid: 'uuid-nowhere'})}\n`
    await pushText(
      worker,
      bookkeeping('mode') + child(1, null) + child(2, 1) + started + leaf + boundary + child(4, 'c'),
    )
    await pushText(worker, child('s', 3), SUBPATH)
    expect(await verify(worker)).toMatchObject({sessions: [{state: 'ok', entries: 8, findings: []}]})
  })

  test('a line that does not parse, a parent that is nowhere, one that comes later', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    await pushText(worker, `${child(1, null)}{"type":"user","uu\n${child(2, 'gone')}${child(3, 4)}${child(4, 1)}\n`)
    const [session] = (await verify(worker)).sessions
    expect(session?.findings.map(({code, line}) => [code, line])).toEqual([
      ['line-unparsable', 2],
      ['parent-missing', 3],
      ['parent-later', 4],
    ])
    expect((await verify(worker, false)).sessions[0]?.state).toBe('ok')
  })

  test('subagents and outputs that entries name and nobody stored', async () => {
    await using opened = await openStoreOf('memory')
    await using worker = await SyncWorker.start(opened.store)
    const path = `/home/u/.claude/projects/-x/${SESSION}/tool-results/out.txt`
    const names = [
      child(1, null, {toolUseResult: {agentId: 'a1'}}),
      child(2, 1, {toolUseResult: {persistedOutputPath: path}}),
    ].join('')
    await pushText(worker, names)
    const before = await verify(worker)
    expect(before.sessions[0]).toMatchObject({state: 'warnings'})
    expect(codes(before)).toEqual(['warning subagent-missing', 'warning tool-result-missing'])
    expect(failuresIn(before)).toEqual([])
    await opened.store.put(`.reprise/files/${SESSION}/tool-results/out.txt`, Buffer.from('out'), {mode: OVERWRITE})
    await pushText(worker, child('s', null), 'subagents/agent-a1')
    expect(codes(await verify(worker))).toEqual([])
  })
})

test('an archived session is read where it lies', async () => {
  await using opened = await openStoreOf('memory')
  await using worker = await SyncWorker.start(opened.store)
  await pushLines(worker, 3)
  const {context} = worker
  const archived = await underLease(context, SESSION, async (lease) =>
    archiveTranscript(writeContext(context), lease, REF, 'gzip'),
  )
  await opened.store.delete(archived?.displaced ?? [])
  expect(await verify(worker)).toMatchObject({sessions: [{state: 'ok', entries: 3}]})
  const {objects} = await listAll(opened.store, {prefix: '.reprise/archive/'})
  await opened.store.delete(objects.map(({key}) => key))
  expect(codes(await verify(worker))).toContain('damaged range-gap')
})

test('what cannot be read is no verdict, and stops no other session', async () => {
  await using opened = await openStoreOf('memory')
  await using worker = await SyncWorker.start(opened.store)
  await pushLines(worker, 2)
  const other = SESSION.replace('1', '2')
  await appendReference(opened.store, {projectKey: HOME, sessionId: other}, [message('x').trimEnd()], Date.now())
  const plan: FaultPlan = {
    title: 'one session does not answer',
    next: ({operation, key}) => (operation === 'head' && key.includes(SESSION) ? {kind: '500'} : undefined),
  }
  const report = await verifyOn(new FaultyObjectStore(opened.store, {clock: systemClock, plan}))
  expect(report.sessions.map(({state, error}) => [state, error?.code])).toEqual([
    ['failed', 'STORE_UNREACHABLE'],
    ['ok', undefined],
  ])
  expect(failuresIn(report)).toEqual(['unreachable'])
})

test('parts that move while they are listed are no damage', async () => {
  await using opened = await openStoreOf('memory')
  await using worker = await SyncWorker.start(opened.store)
  await pushLines(worker, 6)
  const listing = await listSession(opened.store)
  const [main = {ref: REF, parts: [], date: 0}] = listing.transcripts
  // Page after page, while others work: it misses one that is there.
  const torn = {...listing, transcripts: [{...main, parts: main.parts.toSpliced(2, 1)}]}
  await using fresh = await SyncWorker.start(opened.store, 'verifier')
  expect(await verifySession(fresh.context, torn, {readData: true})).toMatchObject({state: 'ok', entries: 6})
})
