import {beforeEach, describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import {ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import type {
  ListOptions,
  ListPage,
  ObjectBody,
  ObjectStore,
  PutOptions,
  PutResult,
} from '../../src/object-store/object-store.js'
import {SessionLease} from '../../src/registry/session-lease.js'
import {StoreLeaseTable} from '../../src/registry/store-lease-table.js'
import {archiveTranscript} from '../../src/store/archive.js'
import {LeasedTranscript} from '../../src/store/leased-transcript.js'
import {loadTranscript} from '../../src/store/load.js'
import {archivePrefix, type TranscriptRef} from '../../src/store/names.js'
import {Parts} from '../../src/store/parts.js'
import {restoreArchive} from '../../src/store/restore-archive.js'
import {viewTranscript} from '../../src/store/view.js'
import type {WriteContext} from '../../src/store/write-part.js'
import {CrashingStore} from '../support/crashing-store.js'
import {loadReference} from '../support/reference-adapter.js'
import {fillChain} from '../support/fill-chain.js'

const REF: TranscriptRef = {homeKey: '-p', sessionId: '11111111-2222-4333-8444-555555555555'}
const LINES = Array.from(
  {length: 40},
  (_, index) => `${JSON.stringify({type: 'user', uuid: `uuid-${index}`, text: 'x'.repeat(300_000)})}\n`,
)

let store: MemoryObjectStore
beforeEach(async () => {
  store = new MemoryObjectStore({clock: systemClock})
  await fillChain(contextOf(store), REF, LINES)
})

function contextOf(through: ObjectStore): WriteContext {
  return {parts: new Parts(through), clock: systemClock, random: systemRandom, machine: 'a'}
}

async function acquire(through: ObjectStore, force = false): Promise<SessionLease> {
  const owner = {machine: 'a', boot: 'b', pidNamespace: 'ns', pid: 1, start: '1'}
  const context = {table: new StoreLeaseTable(through), clock: systemClock, random: systemRandom, owner}
  return SessionLease.acquire(context, REF.sessionId, {force})
}

/** As `compact --archive` does it. */
async function archive(through: ObjectStore, force = false): Promise<void> {
  const context = contextOf(through)
  const lease = await acquire(through, force)
  await new LeasedTranscript(context, lease, REF).settle()
  const archived = await archiveTranscript(context, lease, REF, 'gzip')
  await through.delete(archived?.displaced ?? [])
  await lease.release()
}

async function read(through: ObjectStore): Promise<string> {
  let chunks: Uint8Array[] = []
  await loadTranscript(new Parts(through), REF, {
    begin: () => void (chunks = []),
    write: (chunk) => void chunks.push(chunk),
  })
  return Buffer.concat(chunks).toString()
}

async function sizeOf(prefix: string): Promise<number> {
  return (await listAll(store, {prefix})).objects.reduce((sum, {size}) => sum + size, 0)
}

describe('an archived transcript', () => {
  test('is smaller and reads as before', async () => {
    await archive(store)
    expect(await sizeOf('-p/')).toBe(0)
    expect(await sizeOf(archivePrefix(REF))).toBeLessThan(LINES.join('').length / 50)
    expect((await listAll(store, {prefix: archivePrefix(REF)})).objects.length).toBeGreaterThan(1)
    expect(await read(store)).toBe(LINES.join(''))
  })

  test('is put back by the next holder of the lease, for every reader', async () => {
    await archive(store)
    const context = contextOf(store)
    const lease = await acquire(store)
    const transcript = new LeasedTranscript(context, lease, REF)
    await transcript.settle()
    expect(transcript.end.length).toBe(LINES.join('').length)
    expect(await sizeOf(archivePrefix(REF))).toBe(0)
    expect(await read(store)).toBe(LINES.join(''))
    const lines = await loadReference(store, {projectKey: REF.homeKey, sessionId: REF.sessionId})
    expect(lines.map((line) => `${line}\n`)).toEqual(LINES)
  })

  test('can be put back by several at once, and archived again', async () => {
    for (let round = 0; round < 3; round++) {
      await archive(store, true)
      await Promise.all(
        [1, 2, 3].map(async () => {
          const context = contextOf(store)
          const view = await viewTranscript(context.parts, REF)
          await restoreArchive(context, view)
        }),
      )
      expect((await viewTranscript(new Parts(store), REF)).archived).toEqual([])
      expect(await read(store)).toBe(LINES.join(''))
    }
  })

  test('reads as before after a crash at any call of its making, and of its restoring', async () => {
    for (let call = 1; call <= 30; call++) {
      for (const when of ['before', 'after'] as const) {
        store = new MemoryObjectStore({clock: systemClock})
        await fillChain(contextOf(store), REF, LINES.slice(0, 3))
        const expected = LINES.slice(0, 3).join('')
        await archive(new CrashingStore(store, call, when)).catch(() => undefined)
        expect(await read(store), `crash ${when} call ${call} of archiving`).toBe(expected)
        await archive(store, true)
        expect(await read(store)).toBe(expected)
        const crashing = contextOf(new CrashingStore(store, call, when))
        await viewTranscript(crashing.parts, REF)
          .then(async (view) => restoreArchive(crashing, view))
          .catch(() => undefined)
        expect(await read(store), `crash ${when} call ${call} of restoring`).toBe(expected)
      }
    }
  })

  test('that unpacks to something else is refused', async () => {
    await archive(store)
    const {objects} = await listAll(store, {prefix: archivePrefix(REF)})
    const key = objects[1]?.key ?? ''
    const {metadata} = (await store.head(key)) ?? {metadata: {}}
    const bomb = (await import('node:zlib')).gzipSync(Buffer.alloc(64 * 1024 * 1024))
    for (const body of [bomb, Buffer.from('no gzip'), bomb.subarray(0, 100)]) {
      await store.put(key, body, {mode: {type: 'overwrite'}, metadata})
      await expect(read(store)).rejects.toMatchObject({code: 'PART_DAMAGED', kind: 'bad-data'})
    }
    await store.put(key, bomb, {mode: {type: 'overwrite'}, metadata: {...metadata, codec: 'zstd'}})
    await expect(read(store)).rejects.toMatchObject({code: 'CODEC_UNKNOWN', kind: 'bad-data'})
  })
})

/** Another puts the archive back between a reader's two listings. */
class RestoredMeanwhile extends ObjectStoreDecorator {
  #times = 1

  override async *list(options: ListOptions): AsyncIterable<ListPage> {
    if (options.prefix.startsWith('.reprise/archive/') && this.#times-- > 0) {
      const context = contextOf(this.inner)
      await restoreArchive(context, await viewTranscript(context.parts, REF))
    }
    yield* this.inner.list(options)
  }
}

describe('a reader', () => {
  test('lists again where the archive was put back between its listings', async () => {
    await archive(store)
    expect(await read(new RestoredMeanwhile(store))).toBe(LINES.join(''))
  })

  test('finds the archive also where the part that leads there has lost its metadata', async () => {
    await archive(store)
    const [end] = (await listAll(store, {prefix: '-p/'})).objects
    await store.put(end?.key ?? '', new Uint8Array(0), {mode: {type: 'overwrite'}})
    expect(await read(store)).toBe(LINES.join(''))
  })

  test('is told of an archived object that has lost its metadata', async () => {
    await archive(store)
    const [piece] = (await listAll(store, {prefix: archivePrefix(REF)})).objects
    const {body} = await store.get(piece?.key ?? '')
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    await store.put(piece?.key ?? '', Buffer.concat(chunks), {mode: {type: 'overwrite'}})
    await expect(read(store)).rejects.toMatchObject({code: 'PART_DAMAGED', kind: 'bad-data'})
  })
})

test('no piece has the name of an earlier one: the delete of a restore may be late', async () => {
  const names: string[] = []
  for (let round = 0; round < 4; round++) {
    await archive(store, true)
    names.push(...(await listAll(store, {prefix: archivePrefix(REF)})).objects.map(({key}) => key))
    await restoreArchive(contextOf(store), await viewTranscript(new Parts(store), REF))
  }
  expect(new Set(names).size).toBe(names.length)
  expect(await read(store)).toBe(LINES.join(''))
})

test('what cannot be archived to its end leaves nothing in the archive', async () => {
  const {objects} = await listAll(store, {prefix: '-p/'})
  const last = objects.at(-1)
  const {metadata} = (await store.head(last?.key ?? '')) ?? {metadata: {}}
  await store.put(last?.key ?? '', Buffer.alloc(last?.size ?? 0, '\n'), {mode: {type: 'overwrite'}, metadata})
  await expect(archive(store)).rejects.toMatchObject({code: 'PART_DAMAGED'})
  expect((await listAll(store, {prefix: archivePrefix(REF)})).objects).toEqual([])
})

/** A lease is taken by force while its holder packs, and the session archived by another. */
class Robbed extends ObjectStoreDecorator {
  #times = 1

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const done = await this.inner.put(key, body, options)
    if (key.startsWith('.reprise/archive/') && this.#times-- > 0) {
      await (await acquire(this.inner, true)).release()
      await archive(this.inner)
    }
    return done
  }
}

test('a holder that was robbed of its lease deletes nothing, whatever the dates say', async () => {
  store = new MemoryObjectStore({clock: systemClock})
  await fillChain(contextOf(store), REF, LINES.slice(0, 3))
  await expect(archive(new Robbed(store))).rejects.toMatchObject({code: 'LEASE_LOST'})
  expect((await listAll(store, {prefix: archivePrefix(REF)})).objects).toHaveLength(1)
  expect(await read(store)).toBe(LINES.slice(0, 3).join(''))
})
