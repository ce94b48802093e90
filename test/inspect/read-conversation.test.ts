import {rm, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {silentLogger} from '../../src/base/logger.js'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {chooseChain, type ChainRequest, type StoredPlace} from '../../src/inspect/choose-chain.js'
import {FollowedSession} from '../../src/inspect/follow-session.js'
import {findLocalSession} from '../../src/inspect/local-session.js'
import {chooseTranscript, rawChain} from '../../src/inspect/raw-lines.js'
import {readChain} from '../../src/inspect/read-chain.js'
import {readConversation} from '../../src/inspect/read-conversation.js'
import type {SessionOrigin} from '../../src/inspect/session-origin.js'
import {StoredSession} from '../../src/inspect/stored-session.js'
import {unfold} from '../../src/inspect/unfold.js'
import {StoreRegistry} from '../../src/registry/store-registry.js'
import {pushSession} from '../../src/sync/push-session.js'
import {compactSession} from '../../src/sync/compact-session.js'
import {PREVIEW} from '../../src/transcript/conversation/limits.js'
import {HOME, openStoreOf, type StoreKind} from '../support/compactable.js'
import {SESSION, SyncWorker} from '../support/sync-worker.js'
import {outline, TranscriptLines, transcriptOfText} from '../support/transcript-lines.js'

const SUBPATH = 'subagents/agent-a1'
const OTHER = '22222222-2222-4333-8444-555555555555'

async function push(worker: SyncWorker, text: string, sessionId = SESSION, subpath?: string): Promise<void> {
  await worker.write(HOME, text, sessionId, subpath)
  await pushSession(worker.context, await worker.session(sessionId))
}

function stored({context}: SyncWorker, sessionId = SESSION): SessionOrigin {
  return new StoredSession(context.parts, {homeKey: HOME, sessionId})
}

async function local({context}: SyncWorker, sessionId = SESSION): Promise<SessionOrigin> {
  const place = {configDir: context.configDir, uid: context.uid, projectKey: HOME}
  return (await findLocalSession(place, sessionId))!
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  return Buffer.concat(all).toString()
}

async function* only(place: StoredPlace): AsyncIterable<StoredPlace> {
  yield place
}

function session() {
  return new TranscriptLines(SESSION).prompt('go').call('m1', 'c1', 'Agent', {prompt: 'look'}).result('c1', 'done')
}

describe.each<StoreKind>(['memory', 'file', 's3'])('on a store of kind %s', (kind) => {
  test('a session is the same from the store and from this machine, subagents with what is known of them', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    const below = new TranscriptLines(SESSION).prompt('look', {isSidechain: true}).say('s1', 'found').text()
    await worker.write(HOME, below, SESSION, SUBPATH)
    const meta = worker.pathOf(HOME, SESSION, SUBPATH).replace(/jsonl$/, 'meta.json')
    await writeFile(meta, '{"agentType":"Explore","toolUseId":"c1"}')
    await push(worker, session().text())
    const [here, there] = [await readConversation(await local(worker)), await readConversation(stored(worker))]
    expect(there).toEqual(here)
    const call = there?.turns[0]?.items[1]
    expect(call).toMatchObject({
      kind: 'tool',
      subagents: [{subagent: {agentId: 'a1', type: 'Explore', toolCallId: 'c1'}}],
    })
    // A place names the same bytes wherever they are read.
    const place = call?.kind === 'tool' ? call.subagents[0]?.turns[0]?.items[1]?.place : undefined
    for (const origin of [await local(worker), stored(worker)]) {
      const transcript = await chooseTranscript(origin, 'a1')
      await using open = await transcript.open()
      expect(await bytesOf(open.read(place!.offset, place!.offset + place!.length))).toContain('found')
    }
  })

  test('raw bytes of each transcript are those of the files', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    await worker.write(HOME, '{"type":"user"}\n', SESSION, SUBPATH)
    await push(worker, '{"uuid":"x"}\n\n{"type": "odd" }\n')
    for (const origin of [stored(worker), await local(worker)]) {
      expect(await bytesOf(rawChain([origin]))).toBe(await worker.read(HOME))
      expect(await bytesOf((await chooseTranscript(origin, 'a1')).read())).toBe('{"type":"user"}\n')
      await expect(chooseTranscript(origin, 'zz')).rejects.toMatchObject({code: 'SUBAGENT_NOT_FOUND'})
    }
  })

  test('a session that is followed: what it grew by, a rewrite, a compaction meanwhile', async () => {
    await using opened = await openStoreOf(kind)
    await using worker = await SyncWorker.start(opened.store)
    const lines = new TranscriptLines(SESSION).prompt('one')
    await push(worker, lines.text())
    const followed = new FollowedSession(stored(worker), PREVIEW)
    expect(outline((await followed.look())!)).toEqual([['prompt one']])
    expect(await followed.look()).toBeUndefined()
    for (const [at, text] of ['a', 'b', 'c', 'd'].entries()) await push(worker, lines.say(`m${at}`, text).text())
    expect(outline((await followed.look())!)).toEqual([['prompt one', 'said a', 'said b', 'said c', 'said d']])
    const listing = await worker.context.parts.listSession({homeKey: HOME, sessionId: SESSION})
    expect(listing.transcripts[0]!.parts.length).toBeGreaterThan(1)
    await compactSession(worker.context, listing, {grace: 0, minParts: 2})
    expect((await worker.context.parts.listSession(listing.ref)).transcripts[0]!.parts.length).toBe(1)
    expect(outline((await followed.look())!)).toEqual([['prompt one', 'said a', 'said b', 'said c', 'said d']])
  })
})

test('an item is unfolded from its own entries, wherever they lie', async () => {
  await using opened = await openStoreOf('s3')
  await using worker = await SyncWorker.start(opened.store)
  const long = 'x'.repeat(50_000)
  const input = {file_path: '/f', content: `${long}\n${long}`}
  const lines = new TranscriptLines(SESSION).prompt(long.repeat(2)).call('m1', 'c1', 'Write', input).result('c1', long)
  await push(worker, lines.say('m2', 'short').text())
  for (const origin of [stored(worker), await local(worker)]) {
    const [prompt, call, said] = (await readConversation(origin))!.turns[0]!.items
    expect(prompt).toMatchObject({text: {length: 100_000, text: expect.not.stringContaining(long.repeat(2))}})
    expect(await unfold(origin, prompt!)).toMatchObject({kind: 'prompt', text: {text: long.repeat(2)}})
    const changes = [{path: '/f', hunks: [{lines: [`+${long}`, `+${long}`]}], linesLeftOut: 0}]
    expect(await unfold(origin, call!)).toMatchObject({
      input,
      inputIsCut: false,
      result: {content: {text: long}},
      changes,
    })
    expect(await unfold(origin, said!)).toEqual(said)
    const gone = {...prompt!, place: {...prompt!.place, offset: 10_000_000}}
    expect(await unfold(origin, gone)).toEqual(gone)
  }
})

test('a local session that is followed is read anew where it was rewritten', async () => {
  await using opened = await openStoreOf('memory')
  await using worker = await SyncWorker.start(opened.store)
  const lines = new TranscriptLines(SESSION).prompt('one').say('m1', 'a')
  await worker.write(HOME, lines.text())
  const followed = new FollowedSession(await local(worker), PREVIEW)
  await followed.look()
  await worker.write(HOME, `${lines.say('m2', 'b').text()}{"torn`)
  expect(outline((await followed.look())!)).toEqual([['prompt one', 'said a', 'said b']])
  await worker.write(
    HOME,
    new TranscriptLines(SESSION).prompt('other').say('m1', 'longer than what was there before').say('m3', 'c').text(),
  )
  expect(outline((await followed.look())!)[0]?.[0]).toBe('prompt other')
})

describe('which sessions are shown', () => {
  async function world() {
    const opened = await openStoreOf('memory')
    const worker = await SyncWorker.start(opened.store)
    const {context} = worker
    const registry = new StoreRegistry({store: opened.store, clock: systemClock, random: systemRandom})
    const first = new TranscriptLines(SESSION).prompt('one')
    await push(worker, first.text())
    await push(worker, first.say('m1', 'a').text().replaceAll(SESSION, OTHER), OTHER)
    const link = {kind: 'task', id: 'T', homeKey: HOME} as const
    await registry.assign({...link, sessionId: SESSION}, {mode: 'create'})
    await registry.assign({...link, sessionId: OTHER}, {mode: 'append'})
    const place = {store: opened.store, parts: context.parts, homes: context.homes, registry}
    const local = {configDir: context.configDir, uid: context.uid, projectKey: HOME}
    const choose = async (request: Partial<ChainRequest>) =>
      chooseChain({local, stores: only(place), logger: silentLogger}, {local: false, ...request})
    return {
      worker,
      choose,
      async [Symbol.asyncDispose]() {
        await worker[Symbol.asyncDispose]()
        await opened[Symbol.asyncDispose]()
      },
    }
  }

  test('a task stands for all of its sessions, each with what it adds', async () => {
    await using it = await world()
    const chain = await it.choose({text: 'T'})
    expect(chain).toMatchObject({task: 'T', missing: []})
    expect(chain.sessions.map(({sessionId}) => sessionId)).toEqual([SESSION, OTHER])
    const read = await readChain(chain)
    expect(read.sessions.map(({conversation}) => outline(conversation))).toEqual([[['prompt one']], [['said a']]])
    expect(read.totals).toMatchObject({sessions: 2, answers: 1})
  })

  test.for<[string, Partial<ChainRequest>, readonly string[]]>([
    ['one of a task', {text: 'T', session: SESSION.slice(0, 6)}, [SESSION]],
    ['an id', {text: OTHER}, [OTHER]],
    ['the beginning of one', {text: OTHER.slice(0, 4)}, [OTHER]],
    ['an id that is said to be one', {session: OTHER}, [OTHER]],
    ['as it lies here', {text: 'T', local: true}, [SESSION, OTHER]],
  ])('%s', async ([, request, ids]) => {
    await using it = await world()
    expect((await it.choose(request)).sessions.map(({sessionId}) => sessionId)).toEqual(ids)
  })

  test('what is not stored is looked for on this machine', async () => {
    await using it = await world()
    const id = '33333333-2222-4333-8444-555555555555'
    await it.worker.write(HOME, new TranscriptLines(id).prompt('here').text(), id)
    expect((await it.choose({text: '3333'})).sessions).toMatchObject([{sessionId: id, source: 'local'}])
    expect((await it.choose({text: id})).sessions).toMatchObject([{sessionId: id, source: 'local'}])
  })

  test.for<[Partial<ChainRequest>, string]>([
    [{text: 'nothing'}, 'SESSION_NOT_FOUND'],
    [{text: '99999999-2222-4333-8444-555555555555'}, 'SESSION_NOT_FOUND'],
    [{text: 'T', session: '9999'}, 'SESSION_NOT_FOUND'],
    [{}, 'SESSION_MISSING'],
  ])('%j: %s', async ([request, code]) => {
    await using it = await world()
    await expect(it.choose(request)).rejects.toMatchObject({code})
  })

  test('sessions of a task that are nowhere any more are named', async () => {
    await using it = await world()
    await rm(it.worker.pathOf(HOME, SESSION))
    const chain = await it.choose({text: 'T', local: true})
    expect(chain).toMatchObject({sessions: [{sessionId: OTHER}], missing: [SESSION]})
  })
})

test('metadata of a subagent among its lines does not move places', async () => {
  const text = new TranscriptLines(SESSION)
    .prompt('x')
    .note({type: 'agent_metadata', toolUseId: 'c1'})
    .say('m', 'y')
    .text()
  const transcript = await transcriptOfText(text, PREVIEW, {sessionId: SESSION, subpath: SUBPATH})
  expect(transcript.facts.subagent).toEqual({toolCallId: 'c1'})
  expect(transcript.end.offset).toBe(text.length - '{"type":"agent_metadata","toolUseId":"c1"}\n'.length)
})
