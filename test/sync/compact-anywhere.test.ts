import {describe, expect, test} from 'vitest'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {compactTranscript} from '../../src/store/compact-transcript.js'
import {loadTranscript} from '../../src/store/load.js'
import {Parts} from '../../src/store/parts.js'
import {archiveSession} from '../../src/sync/archive-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {verifySession} from '../../src/sync/verify-session.js'
import {
  countParts,
  delivered,
  HOME,
  listSession,
  openStoreOf,
  pushLines,
  REF,
  referenceLines,
  STORE_KINDS,
} from '../support/compactable.js'
import {CrashingStore} from '../support/crashing-store.js'
import {message, SyncWorker} from '../support/sync-worker.js'

const LINES = 24
/** Calls of a compactor: in its listings, among what it reads, after its merge, among its deletes. */
const CRASHES = [2, 9, 17, LINES + 4, 2 * LINES + 6]

/** As `pull` and `resume` load. */
async function load(store: ObjectStore): Promise<string> {
  let chunks: Uint8Array[] = []
  await loadTranscript(new Parts(store), REF, {
    begin: () => void (chunks = []),
    write: (chunk) => void chunks.push(chunk),
  })
  return Buffer.concat(chunks).toString()
}

async function verify(store: ObjectStore): Promise<string> {
  const {state} = await verifySession({store, parts: new Parts(store)}, await listSession(store), {readData: true})
  return state
}

async function merge(store: ObjectStore, machine: string): Promise<void> {
  await compactTranscript({parts: new Parts(store), machine}, REF, {grace: 0})
}

describe.each(STORE_KINDS)('on a store of kind %s', (kind) => {
  test('merged by several that die, loaded, verified, packed away and gone on in', {timeout: 120_000}, async () => {
    await using opened = await openStoreOf(kind)
    const {store} = opened
    await using worker = await SyncWorker.start(store)
    const text = await pushLines(worker, LINES)
    for (const call of CRASHES) {
      await merge(new CrashingStore(store, call, 'after'), 'dies').catch(() => undefined)
      expect(await delivered(store), `a crash after call ${call}`).toBe(text)
    }
    await Promise.allSettled(['a', 'b', 'c'].map(async (machine) => merge(store, machine)))
    expect(await load(store)).toBe(text)
    await merge(store, 'last')
    expect(await countParts(store)).toBe(1)
    expect([await load(store), await referenceLines(store), await verify(store)]).toEqual([text, text, 'ok'])

    const packed = await archiveSession(worker.context, await listSession(store), {codec: 'gzip', inUse: 'refuse'})
    expect(packed.session).toMatchObject({action: 'archived'})
    expect([await load(store), await verify(store)]).toEqual([text, 'ok'])

    const more = text + message('more')
    await worker.write(HOME, more)
    await pushSession(worker.context, await worker.session())
    expect([await load(store), await referenceLines(store), await verify(store)]).toEqual([more, more, 'ok'])
  })
})
