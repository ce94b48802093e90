import assert from 'node:assert/strict'
import {isMetadata, metadata, newKey, noted, said, saidAll, sameEntries, stored, subagentOf} from './entries.js'
import {sessionStoreCase, type StoreUnderTest} from './target.js'

async function subkeys(store: StoreUnderTest, {projectKey, sessionId}: {projectKey: string; sessionId: string}) {
  return (await store.listSubkeys({projectKey, sessionId})).toSorted()
}

export const subpathCases = [
  sessionStoreCase('a session and its subagents are transcripts of their own', [], async ({store, again}) => {
    const main = newKey()
    const keys = [main, subagentOf(main), subagentOf(main, 'workflows/run-7/agent-b2'), subagentOf(main, 'agent-a11')]
    const transcripts = keys.map((key) => ({key, entries: saidAll(3)}))
    for (const index of [0, 1, 2]) {
      for (const {key, entries} of transcripts) await store.append(key, entries.slice(index, index + 1))
    }
    const other = await again()
    for (const {key, entries} of transcripts) sameEntries(await stored(other, key), entries)
    const expected = ['subagents/agent-a1', 'subagents/agent-a11', 'subagents/workflows/run-7/agent-b2']
    assert.deepEqual(await subkeys(store, main), expected)
    assert.deepEqual(await subkeys(other, main), expected)
  }),

  sessionStoreCase('subkeys are those of the session alone', [], async ({store}) => {
    const key = newKey()
    const longer = {...key, sessionId: `${key.sessionId}-2`}
    const elsewhere = {...key, projectKey: `${key.projectKey}-2`}
    assert.deepEqual(await subkeys(store, key), [])
    await store.append(key, [said('main')])
    assert.deepEqual(await subkeys(store, key), [])
    await store.append(subagentOf(longer, 'agent-x'), [said('x')])
    await store.append(subagentOf(elsewhere, 'agent-y'), [said('y')])
    assert.deepEqual(await subkeys(store, key), [])
    assert.deepEqual(await subkeys(store, longer), ['subagents/agent-x'])
  }),

  sessionStoreCase('a subagent is found where the main transcript was never written', [], async ({store}) => {
    const key = newKey()
    await store.append(subagentOf(key), [said('sub')])
    assert.equal(await store.load(key), null)
    assert.deepEqual(await subkeys(store, key), ['subagents/agent-a1'])
  }),

  sessionStoreCase('metadata of a subagent comes back, the last of it last', [], async ({store, again}) => {
    const key = subagentOf(newKey())
    const entries = [...saidAll(3), noted('x')]
    await store.append(key, [metadata('first')])
    await store.append(key, entries.slice(0, 1))
    await store.append(key, [metadata('first'), ...entries.slice(1, 3), metadata('second'), ...entries.slice(3)])
    await store.append(key, [metadata('last')])
    for (const reader of [store, await again()]) {
      const found = await stored(reader, key)
      sameEntries(
        found.filter((entry) => !isMetadata(entry)),
        entries,
      )
      const kinds = found.filter(isMetadata)
      assert.deepEqual(kinds.at(-1), metadata('last'))
      assert.deepEqual(new Set(kinds.map((entry) => entry['agentType'])), new Set(['first', 'second', 'last']))
    }
  }),

  sessionStoreCase('a subagent that has metadata alone', [], async ({store, again}) => {
    const key = subagentOf(newKey())
    await store.append(key, [metadata('only')])
    sameEntries(await stored(await again(), key), [metadata('only')])
    assert.deepEqual(await subkeys(store, key), [key.subpath])
  }),
]
