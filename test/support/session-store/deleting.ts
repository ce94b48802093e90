import assert from 'node:assert/strict'
import {metadata, newKey, noted, said, saidAll, sameEntries, stored, subagentOf} from './entries.js'
import {sessionStoreCase} from './target.js'

export const deletingCases = [
  sessionStoreCase('to delete a session is to delete its subagents, and nothing else', [], async ({store, again}) => {
    const [gone, stays] = [newKey(), newKey()]
    const longer = {...gone, sessionId: `${gone.sessionId}-2`}
    for (const key of [gone, stays, longer]) {
      for (const each of [key, subagentOf(key), subagentOf(key, 'deep/agent-b')]) await store.append(each, saidAll(2))
    }
    await store.append(subagentOf(gone), [metadata('gone')])
    await store.delete(gone)
    for (const reader of [store, await again()]) {
      for (const key of [gone, subagentOf(gone), subagentOf(gone, 'deep/agent-b')])
        assert.equal(await reader.load(key), null)
      assert.deepEqual(await reader.listSubkeys(gone), [])
      const listed = (await reader.listSessions(gone.projectKey)).map(({sessionId}) => sessionId)
      assert.deepEqual(listed.toSorted(), [stays.sessionId, longer.sessionId].toSorted())
      assert.equal((await stored(reader, stays)).length, 2)
      assert.equal((await stored(reader, subagentOf(longer))).length, 2)
    }
  }),

  sessionStoreCase('to delete a subagent leaves the rest', [], async ({store}) => {
    const key = newKey()
    const keys = [key, subagentOf(key), subagentOf(key, 'agent-a11')] as const
    for (const each of keys) await store.append(each, [said('x')])
    await store.delete(keys[1])
    assert.equal(await store.load(keys[1]), null)
    assert.deepEqual(await store.listSubkeys(key), [keys[2].subpath])
    assert.equal((await stored(store, key)).length, 1)
    assert.equal((await stored(store, keys[2])).length, 1)
  }),

  sessionStoreCase('to delete what is not there is no failure', [], async ({store}) => {
    const key = newKey()
    await store.delete(key)
    await store.delete(subagentOf(key))
    await store.append(key, [said('x')])
    await store.delete(key)
    await store.delete(key)
    assert.equal(await store.load(key), null)
  }),

  sessionStoreCase('a deleted session begins anew, with the entries it had, too', [], async ({store, again}) => {
    const key = newKey()
    const entries = [...saidAll(3), noted('x')]
    await store.append(key, entries)
    await store.append(subagentOf(key), entries)
    await store.delete(key)
    await store.append(key, entries)
    await store.append(subagentOf(key), entries)
    for (const reader of [store, await again()]) {
      sameEntries(await stored(reader, key), entries)
      sameEntries(await stored(reader, subagentOf(key)), entries)
    }
  }),

  sessionStoreCase('what another instance deleted is gone, and new entries begin anew', [], async ({store, again}) => {
    const key = newKey()
    await store.append(key, saidAll(3))
    await (await again()).delete(key)
    assert.equal(await store.load(key), null)
    const more = saidAll(2)
    for (const entry of more) await store.append(key, [entry])
    sameEntries(await stored(store, key), more)
    sameEntries(await stored(await again(), key), more)
  }),
]
