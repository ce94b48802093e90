import {describe, expect, test} from 'vitest'
import {diffSession, type SessionDiff} from '../../src/sync/diff-session.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {diffText} from '../../src/view/diff.js'
import {HOME, openStoreOf, type StoreKind, SUBPATH} from '../support/compactable.js'
import {bookkeeping, message, SESSION, SyncWorker} from '../support/sync-worker.js'

const BASE = message(1) + message(2)

async function diff(worker: SyncWorker, most = 5): Promise<SessionDiff> {
  return diffSession(worker.context, SESSION, {projectKey: HOME, most})
}

async function push(worker: SyncWorker, text: string, subpath?: string): Promise<void> {
  await worker.write(HOME, text, SESSION, subpath)
  await pushSession(worker.context, await worker.session())
}

describe.each<StoreKind>(['memory', 'file', 's3'])('on a store of kind %s', (kind) => {
  test('both tails of a session that diverged', async () => {
    await using opened = await openStoreOf(kind)
    await using a = await SyncWorker.start(opened.store, 'a')
    await using b = await SyncWorker.start(opened.store, 'b')
    await push(a, BASE)
    await pullSession(b.context, SESSION, {projectKey: HOME, processes: b.processes})
    await push(b, BASE + message('there'))
    await a.write(HOME, `${BASE}${message('here-1')}${message('here-2')}{"torn`)
    const found = await diff(a, 1)
    expect(found).toMatchObject({sessionId: SESSION, projectKey: HOME, path: a.pathOf(HOME)})
    expect(found.transcripts).toEqual([
      {
        relation: 'diverged',
        localBytes: (BASE + message('here-1') + message('here-2')).length,
        storedBytes: (BASE + message('there')).length,
        tornBytes: 6,
        onlyHere: {
          entries: 2,
          messages: 2,
          bytes: (message('here-1') + message('here-2')).length,
          last: [{type: 'user', text: 'message here-2'}],
        },
        onlyStored: {
          entries: 1,
          messages: 1,
          bytes: message('there').length,
          last: [{type: 'user', text: 'message there'}],
        },
      },
    ])
  })
})

test.each([
  ['equal', BASE, BASE, 0, 0],
  ['local-extends', BASE + message(3), BASE, 1, 0],
  ['stored-extends', BASE, BASE + message(3), 0, 1],
  ['same-entries', message(2) + message(1), BASE, 0, 0],
  ['local-more', message(0) + BASE, BASE, 1, 0],
  ['stored-more', BASE, message(0) + BASE, 0, 1],
  ['bookkeeping', BASE + bookkeeping('mode'), BASE + message(3), 1, 1],
] as const)('%s', async (relation, local, stored, here, there) => {
  await using opened = await openStoreOf('memory')
  await using a = await SyncWorker.start(opened.store, 'a')
  await using b = await SyncWorker.start(opened.store, 'b')
  await push(b, stored)
  await a.write(HOME, local)
  const [main] = (await diff(a)).transcripts
  expect([main?.relation, main?.onlyHere.entries, main?.onlyStored.entries]).toEqual([relation, here, there])
})

test('a rewrite by claude is told with what it took out', async () => {
  await using opened = await openStoreOf('memory')
  await using a = await SyncWorker.start(opened.store, 'a')
  await push(a, BASE)
  await a.write(HOME, message(1) + message('instead'))
  expect((await diff(a)).transcripts).toMatchObject([
    {relation: 'rewritten', onlyHere: {last: [{text: 'message instead'}]}, onlyStored: {last: [{text: 'message 2'}]}},
  ])
})

test('transcripts that one side alone has', async () => {
  await using opened = await openStoreOf('memory')
  await using a = await SyncWorker.start(opened.store, 'a')
  await using b = await SyncWorker.start(opened.store, 'b')
  await push(a, BASE)
  await push(a, message('s'), SUBPATH)
  await b.write(HOME, message('t'), SESSION, 'subagents/agent-2')
  const {transcripts, path} = await diff(b)
  expect(path).toBeUndefined()
  expect(
    transcripts.map((each) => [each.subpath, each.relation, each.onlyHere.entries, each.onlyStored.entries]),
  ).toEqual([
    [undefined, 'stored-only', 0, 2],
    ['subagents/agent-2', 'local-only', 1, 0],
    [SUBPATH, 'stored-only', 0, 1],
  ])
})

test('a session that is nowhere is not found', async () => {
  await using opened = await openStoreOf('memory')
  await using a = await SyncWorker.start(opened.store, 'a')
  await expect(diff(a)).rejects.toMatchObject({code: 'SESSION_NOT_FOUND'})
})

test('what people read: one line an entry, and nothing in it that a terminal obeys', async () => {
  await using opened = await openStoreOf('memory')
  await using a = await SyncWorker.start(opened.store, 'a')
  await push(a, BASE)
  const tool = {type: 'assistant', uuid: 'u9', timestamp: '2026-11-21T15:04:05.678Z'}
  const uses = `${JSON.stringify({...tool, message: {content: [{type: 'tool_use', name: 'Bash'}]}})}\n`
  await a.write(HOME, BASE + message(3, '\u001B]0;owned\u0007red\n\u202Etext') + uses)
  const text = diffText(await diff(a), Number.POSITIVE_INFINITY)
  expect(text.split('\n').slice(1)).toEqual([
    expect.stringMatching(/^main: goes on here: reprise push \(\d+ B here, \d+ B stored\)$/),
    '  only here (2 entries, 2 of them messages):',
    '  < - user red text',
    '  < 2026-11-21T15:04:05.678Z assistant [tool_use: Bash]',
  ])
})
