import {describe, expect, test} from 'vitest'
import {EMPTY_SHA256, sha256Hex} from '../../src/base/hash.js'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {FaultyObjectStore} from '../../src/object-store/faulty.js'
import {type ScriptedFault, scriptedFaults} from '../../src/object-store/faults.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {CREATE, type ObjectStore} from '../../src/object-store/object-store.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {Homes} from '../../src/store/home.js'
import {Parts} from '../../src/store/parts.js'
import {writeRangeAt} from '../../src/store/write-part.js'

const [clock, random] = [systemClock, systemRandom]
const sessionId = '7b1f0c5e-3a52-4c3f-9d8e-1f2a3b4c5d6e'
const ref = {homeKey: '-home-user-project', sessionId}

/** A store that cannot tell whose object it meets: the answer to its next write is lost, and the write is sent again. */
function losing(...script: readonly ScriptedFault[]) {
  const memory = new MemoryObjectStore({clock})
  const faulty = new FaultyObjectStore(memory, {clock, plan: scriptedFaults(script)})
  return {memory, store: new RetryingObjectStore(faulty, {clock, random, baseMs: 1, maxMs: 2})}
}

function writing(store: ObjectStore, machine: string) {
  const run = {from: 0, to: 3, before: EMPTY_SHA256, after: sha256Hex('{}\n'), entries: 1, body: Buffer.from('{}\n')}
  const context = {parts: new Parts(store), clock, random, machine}
  return writeRangeAt(context, ref, run, {epoch: 2, leased: true, gen: 0}, 1_700_000_000_000)
}

describe('a write whose answer was lost, sent again, meets itself: its caller looks and takes it for its own', () => {
  test('a part of the same range, epoch and lease', async () => {
    const {memory, store} = losing({kind: 'fail-after', operation: 'put'})
    const written = await writing(store, 'one')
    expect(written?.part.range).toMatchObject({from: 0, to: 3, epoch: 2})
    expect(await memory.head(written?.part.key ?? '')).toMatchObject({size: 3})
  })

  test('a part of another writer stays a conflict', async () => {
    const {memory, store} = losing({kind: 'fail-before', operation: 'put'})
    const key = (await writing(new MemoryObjectStore({clock}), 'one'))?.part.key ?? ''
    await memory.put(key, Buffer.from('{}\n'), {mode: CREATE, metadata: {reprise: '1'}})
    expect(await writing(store, 'two')).toBeUndefined()
  })

  test('a home key', async () => {
    const {store} = losing({kind: 'fail-after', operation: 'put'})
    expect(await new Homes(store).record(sessionId, ref.homeKey)).toBe(ref.homeKey)
    expect(await new Homes(store).record(sessionId, '-another')).toBe(ref.homeKey)
  })
})
