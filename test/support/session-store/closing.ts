import assert from 'node:assert/strict'
import {newKey, rejection, said, saidAll, sameEntries, stored, subagentOf} from './entries.js'
import {sessionStoreCase, type StoreUnderTest} from './target.js'

/** @returns flush and close, which a case with the tag `closing` may rely on. */
function closable(store: StoreUnderTest): {flush: () => Promise<unknown>; close: () => Promise<unknown>} {
  assert.ok(store.flush && store.close, 'the store has flush and close')
  return {flush: store.flush.bind(store), close: store.close.bind(store)}
}

export const closingCases = [
  sessionStoreCase('flush waits for every append before it', ['closing', 'unawaited'], async ({store, again}) => {
    const {flush} = closable(store)
    await flush()
    const key = newKey()
    const entries = saidAll(40)
    const appends = entries.map(async (entry) => store.append(key, [entry]))
    await flush()
    sameEntries(await stored(await again(), key), entries)
    await Promise.all(appends)
  }),

  sessionStoreCase(
    'close waits for them too, and each gets its answer',
    ['closing', 'unawaited'],
    async ({store, again}) => {
      const {close} = closable(store)
      const key = newKey()
      const entries = saidAll(20)
      const appends = [key, subagentOf(key)].flatMap((each) =>
        entries.map(async (entry) => store.append(each, [entry])),
      )
      await close()
      await Promise.all(appends)
      const other = await again()
      sameEntries(await stored(other, key), entries)
      sameEntries(await stored(other, subagentOf(key)), entries)
    },
  ),

  sessionStoreCase(
    'after close an append is refused, and closing again is no failure',
    ['closing'],
    async ({store, again}) => {
      const {close} = closable(store)
      const key = newKey()
      const entry = said('before')
      await store.append(key, [entry])
      await Promise.all([close(), close()])
      await close()
      await rejection(async () => store.append(key, [said('after')]), 'an append after close')
      await rejection(async () => store.append(newKey(), [said('after')]), 'an append to a new session after close')
      sameEntries(await stored(await again(), key), [entry])
    },
  ),

  sessionStoreCase('await using closes', ['closing'], async ({store, again}) => {
    const dispose = store[Symbol.asyncDispose]
    assert.ok(dispose, 'the store can be disposed of')
    const key = newKey()
    const pending = store.append(key, [said('x')])
    await dispose.call(store)
    await pending
    await rejection(async () => store.append(key, [said('y')]), 'an append after disposal')
    assert.equal((await stored(await again(), key)).length, 1)
  }),
]
