import {setTimeout as sleep} from 'node:timers/promises'
import assert from 'node:assert/strict'
import {newKey, noted, said, saidAll, sameEntries, stored, subagentOf} from './entries.js'
import {sessionStoreCase} from './target.js'

export const orderCases = [
  sessionStoreCase('what was never written is null', [], async ({store}) => {
    const key = newKey()
    assert.equal(await store.load(key), null)
    assert.equal(await store.load(subagentOf(key)), null)
    await store.append(key, [said('a')])
    assert.equal(await store.load(subagentOf(key)), null)
    assert.equal(await store.load(newKey()), null)
  }),

  sessionStoreCase('entries come back in the order of the appends', [], async ({store, again}) => {
    const key = newKey()
    const entries = saidAll(12).flatMap((entry) => [noted('x'), entry])
    for (let at = 0; at < entries.length; at += 3) await store.append(key, entries.slice(at, at + 3))
    sameEntries(await stored(store, key), entries)
    sameEntries(await stored(await again(), key), entries)
  }),

  sessionStoreCase('a load sees every append that was awaited before it', [], async ({store}) => {
    const key = newKey()
    const entries = saidAll(5)
    for (const [index, entry] of entries.entries()) {
      await store.append(key, [entry])
      sameEntries(await stored(store, key), entries.slice(0, index + 1))
    }
  }),

  sessionStoreCase('appends that are not awaited keep their order', ['unawaited'], async ({store, again}) => {
    const main = newKey()
    const transcripts = [main, subagentOf(main), newKey()].map((key) => ({key, entries: saidAll(60)}))
    const pending = transcripts[0]?.entries.keys() ?? []
    const appends = [...pending].flatMap((index) =>
      transcripts.map(async ({key, entries}) => store.append(key, entries.slice(index, index + 1))),
    )
    await Promise.all(appends)
    const other = await again()
    for (const {key, entries} of transcripts) sameEntries(await stored(other, key), entries)
  }),

  sessionStoreCase('an instance goes on where another one stopped', [], async ({store, again}) => {
    const key = newKey()
    const entries = [...saidAll(3), noted('x'), ...saidAll(3)]
    await store.append(key, entries.slice(0, 2))
    const other = await again()
    await other.append(key, entries.slice(2, 4))
    // What two instances commit in one millisecond has no order.
    await sleep(5)
    await store.append(key, entries.slice(4, 5))
    await sleep(5)
    await other.append(key, entries.slice(5))
    sameEntries(await stored(store, key), entries)
    sameEntries(await stored(other, key), entries)
  }),

  sessionStoreCase(
    'two instances that append at once lose nothing, and each keeps its order',
    [],
    async ({store, again}) => {
      const key = newKey()
      await store.append(key, [said('first')])
      const writers = [store, await again()].map((writer, index) => ({writer, entries: saidAll(10, `writer ${index}`)}))
      await Promise.all(
        writers.map(async ({writer, entries}) => {
          for (const entry of entries) await writer.append(key, [entry])
        }),
      )
      const found = await stored(await again(), key)
      assert.equal(found.length, 21)
      for (const {entries} of writers) {
        const mine = new Set(entries.map(({uuid}) => uuid))
        sameEntries(
          found.filter(({uuid}) => uuid !== undefined && mine.has(uuid)),
          entries,
        )
      }
    },
  ),
]
