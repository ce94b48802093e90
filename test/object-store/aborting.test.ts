import {expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {AbortingObjectStore} from '../../src/object-store/aborting.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type ObjectStore, OVERWRITE} from '../../src/object-store/object-store.js'

const CALLS: readonly [string, (store: ObjectStore, signal?: AbortSignal) => Promise<unknown>][] = [
  ['list', async (store, signal) => listAll(store, {prefix: '', ...(signal && {signal})})],
  ['head', async (store, signal) => store.head('a', signal && {signal})],
  ['get', async (store, signal) => store.get('a', signal && {signal})],
  ['put', async (store, signal) => store.put('b', Buffer.from('b'), {mode: OVERWRITE, ...(signal && {signal})})],
  ['copy', async (store, signal) => store.copy('a', 'c', {mode: OVERWRITE, ...(signal && {signal})})],
  ['delete', async (store, signal) => store.delete(['b'], signal && {signal})],
]

test.each(CALLS)('%s ends when either signal aborts', async (_, call) => {
  const inner = new MemoryObjectStore({clock: systemClock})
  await inner.put('a', Buffer.from('a'), {mode: CREATE})
  const abort = new AbortController()
  const store = new AbortingObjectStore(inner, abort.signal)
  await call(store)
  await call(store, new AbortController().signal)
  await expect(call(store, AbortSignal.abort(new Error('the caller’s')))).rejects.toThrow('the caller’s')
  abort.abort(new Error('the store’s'))
  await expect(call(store)).rejects.toThrow('the store’s')
  await expect(call(store, new AbortController().signal)).rejects.toThrow('the store’s')
})
