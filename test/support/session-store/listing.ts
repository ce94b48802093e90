import assert from 'node:assert/strict'
import {setTimeout as delay} from 'node:timers/promises'
import {newKey, PROJECT, said, subagentOf} from './entries.js'
import {sessionStoreCase, type StoreUnderTest} from './target.js'

async function mtimeOf(store: StoreUnderTest, sessionId: string): Promise<number> {
  const mtime = (await store.listSessions(PROJECT)).find((each) => each.sessionId === sessionId)?.mtime
  assert.ok(mtime !== undefined, `${sessionId} is listed`)
  return mtime
}

export const listingCases = [
  sessionStoreCase('sessions are listed by their project key, each once', [], async ({store, again}) => {
    assert.deepEqual(await store.listSessions(PROJECT), [])
    const keys = [newKey(), newKey(), newKey()]
    for (const key of keys) {
      await store.append(key, [said('a')])
      await store.append(key, [said('b')])
      await store.append(subagentOf(key), [said('c')])
    }
    await store.append(newKey(`${PROJECT}-2`), [said('elsewhere')])
    const expected = keys.map(({sessionId}) => sessionId).toSorted()
    for (const reader of [store, await again()]) {
      const listed = (await reader.listSessions(PROJECT)).map(({sessionId}) => sessionId)
      assert.deepEqual(listed.toSorted(), expected)
    }
  }),

  sessionStoreCase('a session that has subagents alone is not listed', [], async ({store}) => {
    const key = newKey()
    await store.append(subagentOf(key), [said('a')])
    assert.deepEqual(await store.listSessions(PROJECT), [])
    await store.append(key, [said('b')])
    assert.equal((await store.listSessions(PROJECT)).length, 1)
  }),

  sessionStoreCase('mtime is whole milliseconds and grows with each append', [], async ({store, again}) => {
    const key = newKey()
    let last = 0
    for (const text of ['a', 'b', 'c']) {
      await store.append(key, [said(text)])
      const mtime = await mtimeOf(store, key.sessionId)
      assert.ok(Number.isSafeInteger(mtime), `${mtime} is an integer`)
      assert.ok(mtime > last, `${mtime} is after ${last}`)
      assert.equal(await mtimeOf(await again(), key.sessionId), mtime)
      last = mtime
      await delay(5)
    }
    assert.ok(last > Date.UTC(2020, 0), 'milliseconds since the epoch')
  }),
]
