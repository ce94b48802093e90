import assert from 'node:assert/strict'
import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {foldSessionSummary, listSessions, renameSession, type SessionKey} from '@anthropic-ai/claude-agent-sdk'
import {projectKeyFor} from '../../../src/transcript/project-key.js'
import {newKey, PROJECT, said, saidAll, stored, subagentOf} from './entries.js'
import {sessionStoreCase, type StoreUnderTest} from './target.js'

const title = (text: string) => ({...said(''), type: 'custom-title', customTitle: text})

/**
 * What the SDK relies on: it shows a summary whose mtime is not below the listed one without looking at the session. So
 * such a one tells of every entry.
 */
async function checkSummaries(store: StoreUnderTest, projectKey: string): Promise<Set<string>> {
  const summaries = await store.listSessionSummaries(projectKey)
  const listed = new Map((await store.listSessions(projectKey)).map(({sessionId, mtime}) => [sessionId, mtime]))
  const fresh = new Set<string>()
  for (const {sessionId, mtime, data} of summaries) {
    assert.ok(Number.isSafeInteger(mtime), `${mtime} is an integer`)
    assert.ok(!fresh.has(sessionId), `${sessionId} has one summary`)
    const listedAt = listed.get(sessionId)
    assert.ok(listedAt !== undefined, `${sessionId} is listed`)
    assert.ok(mtime < listedAt + 5000, 'the mtime of a summary is by the clock of the listing')
    if (mtime < listedAt) continue
    const key = {projectKey, sessionId}
    const folded = foldSessionSummary(undefined, key, await stored(store, key), {mtime})
    assert.deepEqual(data, folded.data)
    fresh.add(sessionId)
  }
  return fresh
}

async function fill(store: StoreUnderTest, key: SessionKey, texts: readonly string[]): Promise<void> {
  for (const text of texts) await store.append(key, [said(text), title(`title of ${text}`)])
}

export const summaryCases = [
  sessionStoreCase('each session has a summary, fresh after a flush', ['summaries'], async ({store, again}) => {
    assert.deepEqual(await store.listSessionSummaries(PROJECT), [])
    const keys = [newKey(), newKey()]
    for (const key of keys) await fill(store, key, ['a', 'b', 'c'])
    await store.append(subagentOf(newKey()), [said('subagent alone')])
    await fill(store, newKey('-elsewhere'), ['x'])
    await store.flush?.()
    const expected = new Set(keys.map(({sessionId}) => sessionId))
    assert.deepEqual(await checkSummaries(store, PROJECT), expected)
    assert.deepEqual(await checkSummaries(await again(), PROJECT), expected)
  }),

  sessionStoreCase('what a subagent says is not in the summary', ['summaries'], async ({store}) => {
    const key = newKey()
    await store.append(key, [said('main')])
    await store.append(subagentOf(key), [said('sub'), title('of the subagent')])
    await store.flush?.()
    assert.deepEqual(await checkSummaries(store, PROJECT), new Set([key.sessionId]))
  }),

  sessionStoreCase('a summary never passes for newer than it is', ['summaries'], async ({store, again}) => {
    const key = newKey()
    const other = await again()
    for (const writer of [store, store, other, other, store]) {
      await fill(writer, key, ['x'])
      await checkSummaries(store, PROJECT)
      await checkSummaries(other, PROJECT)
    }
    await Promise.all([fill(store, key, ['p', 'q', 'r']), fill(other, key, ['u', 'v', 'w'])])
    for (const each of [store, other, await again()]) await checkSummaries(each, PROJECT)
    await Promise.all([store.flush?.(), other.flush?.()])
    for (const each of [store, other, await again()]) await checkSummaries(each, PROJECT)
  }),

  sessionStoreCase(
    'it survives an append that is not awaited and one that is sent again',
    ['summaries', 'unawaited', 'idempotent'],
    async ({store}) => {
      const key = newKey()
      const entries = saidAll(30).flatMap((entry, index) => [entry, title(`title ${index}`)])
      await Promise.all(entries.map(async (entry) => store.append(key, [entry])))
      await store.append(key, entries.slice(0, 7))
      await store.flush?.()
      assert.deepEqual(await checkSummaries(store, PROJECT), new Set([key.sessionId]))
    },
  ),

  sessionStoreCase('a deleted session has none', ['summaries'], async ({store, again}) => {
    const [gone, stays] = [newKey(), newKey()]
    for (const key of [gone, stays]) await fill(store, key, ['a'])
    await store.flush?.()
    await store.delete(gone)
    for (const each of [store, await again()]) {
      assert.deepEqual(await checkSummaries(each, PROJECT), new Set([stays.sessionId]))
    }
    await fill(store, gone, ['b'])
    await store.flush?.()
    assert.deepEqual(await checkSummaries(store, PROJECT), new Set([gone.sessionId, stays.sessionId]))
  }),

  sessionStoreCase("the SDK's own listing and renaming", [], async ({store}) => {
    const dir = await mkdtemp(join(await realpath(tmpdir()), 'session-store-'))
    try {
      const projectKey = await projectKeyFor(dir)
      const keys = [newKey(projectKey), newKey(projectKey)] as const
      await store.append(keys[0], [{...said('the first prompt'), cwd: dir}])
      await store.append(keys[1], [{...said('another prompt'), cwd: dir}])
      await renameSession(keys[0].sessionId, 'a better title', {dir, sessionStore: store})
      const rows = await listSessions({dir, sessionStore: store})
      assert.deepEqual(
        new Map(rows.map(({sessionId, summary}) => [sessionId, summary])),
        new Map([
          [keys[0].sessionId, 'a better title'],
          [keys[1].sessionId, 'another prompt'],
        ]),
      )
    } finally {
      await rm(dir, {recursive: true, force: true})
    }
  }),
]
