import assert from 'node:assert/strict'
import {newKey, noted, said, saidAll, sameEntries, stored, subagentOf} from './entries.js'
import {sessionStoreCase} from './target.js'

export const identityCases = [
  sessionStoreCase('entries without uuid are kept as often as they come', [], async ({store, again}) => {
    const key = newKey()
    const batch = [noted('same'), noted('same'), {type: 'mode', mode: 'default'}, noted('same')]
    await store.append(key, batch)
    await store.append(key, batch)
    await (await again()).append(key, batch)
    sameEntries(await stored(store, key), [...batch, ...batch, ...batch])
  }),

  sessionStoreCase('a uuid counts within its own transcript', [], async ({store}) => {
    const main = newKey()
    const entries = saidAll(2)
    const keys = [main, subagentOf(main), subagentOf(main, 'agent-b2'), newKey(), {...main, projectKey: '-elsewhere'}]
    for (const key of keys) await store.append(key, entries)
    for (const key of keys) sameEntries(await stored(store, key), entries)
  }),

  sessionStoreCase('a uuid that comes twice in a batch is stored once', ['idempotent'], async ({store, again}) => {
    const key = newKey()
    const [a, b] = [said('a'), said('b')]
    await store.append(key, [a, b, a, noted('x'), b])
    sameEntries(await stored(await again(), key), [a, b, noted('x')])
  }),

  sessionStoreCase('a batch that is sent again is stored once', ['idempotent'], async ({store, again}) => {
    const key = newKey()
    const entries = saidAll(9)
    await store.append(key, entries.slice(0, 3))
    await store.append(key, entries.slice(0, 3))
    await store.append(key, entries.slice(3, 6))
    await store.append(key, entries.slice(0, 3))
    await store.append(key, entries.slice(2, 9))
    sameEntries(await stored(await again(), key), entries)
  }),

  sessionStoreCase(
    'and once when it is sent again before the first answer',
    ['idempotent', 'unawaited'],
    async ({store, again}) => {
      const key = newKey()
      const entries = saidAll(4)
      const batches = [entries.slice(0, 2), entries.slice(0, 2), entries.slice(2), entries.slice(0, 2), entries]
      await Promise.all(batches.map(async (batch) => store.append(key, batch)))
      sameEntries(await stored(await again(), key), entries)
    },
  ),

  sessionStoreCase('another instance that replays a session adds nothing', ['idempotent'], async ({store, again}) => {
    const key = newKey()
    const entries = saidAll(20)
    for (let at = 0; at < 20; at += 4) await store.append(key, entries.slice(at, at + 4))
    const other = await again()
    for (let at = 0; at < 20; at += 5) await other.append(key, entries.slice(at, at + 5))
    sameEntries(await stored(store, key), entries)
    const third = await again()
    await third.append(key, entries.slice(3, 8))
    const more = said('new')
    await third.append(key, [...entries.slice(15), more])
    sameEntries(await stored(await again(), key), [...entries, more])
  }),

  sessionStoreCase(
    'two instances that send the same batches at once store them once',
    ['idempotent'],
    async ({store, again}) => {
      const key = newKey()
      const entries = saidAll(12)
      await Promise.all(
        [store, await again()].map(async (writer) => {
          for (let at = 0; at < 12; at += 3) await writer.append(key, entries.slice(at, at + 3))
        }),
      )
      sameEntries(await stored(await again(), key), entries)
    },
  ),

  sessionStoreCase('of one uuid with two contents one is kept', ['idempotent'], async ({store, again}) => {
    const key = newKey()
    const entry = said('one')
    const changed = {...entry, message: {role: 'user', content: 'two'}}
    await store.append(key, [entry])
    await store.append(key, [changed])
    const [found, ...rest] = await stored(await again(), key)
    assert.deepEqual(rest, [])
    assert.ok([entry, changed].some((each) => JSON.stringify(each) === JSON.stringify(found)))
  }),
]
