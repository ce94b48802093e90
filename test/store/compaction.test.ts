import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {compactTranscript} from '../../src/store/compact-transcript.js'
import type {TranscriptRef} from '../../src/store/names.js'
import {Parts} from '../../src/store/parts.js'
import {readDelivery} from '../../src/store/read-delivery.js'
import {viewTranscript} from '../../src/store/view.js'
import type {WriteContext} from '../../src/store/write-part.js'
import {CrashingStore} from '../support/crashing-store.js'
import {fillChain} from '../support/fill-chain.js'
import {loadReference} from '../support/reference-adapter.js'

const REF: TranscriptRef = {homeKey: '-p', sessionId: '11111111-2222-4333-8444-555555555555'}
const KEY = {projectKey: REF.homeKey, sessionId: REF.sessionId}

function contextOf(store: ObjectStore, machine = 'a'): WriteContext {
  return {parts: new Parts(store), clock: systemClock, random: systemRandom, machine}
}

function line(index: number, bytes = 40): string {
  return `${JSON.stringify({type: 'user', uuid: `uuid-${index}`, text: 'x'.repeat(bytes)})}\n`
}

async function read(store: ObjectStore): Promise<string> {
  const parts = new Parts(store)
  const chunks: Uint8Array[] = []
  for await (const chunk of readDelivery(await viewTranscript(parts, REF), parts)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function countParts(store: ObjectStore): Promise<number> {
  return (await new Parts(store).list(REF)).parts.length
}

describe('compaction', () => {
  test('leaves few parts with the same bytes, for every reader', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    const lines = Array.from({length: 100}, (_, index) => line(index))
    await fillChain(contextOf(store), REF, lines)
    const last = (await new Parts(store).list(REF)).parts.at(-1)?.parsed?.ms
    const done = await compactTranscript(contextOf(store), REF)
    expect(done).toMatchObject({before: 100, after: 1, merged: 100, deleted: 100, waiting: []})
    expect(await countParts(store)).toBe(1)
    expect(await read(store)).toBe(lines.join(''))
    expect((await loadReference(store, KEY)).map((each) => `${each}\n`)).toEqual(lines)
    // Readers of the layout take a session's time from its last key.
    expect((await new Parts(store).list(REF)).parts.at(-1)?.parsed?.ms).toBe(last)
    expect(await compactTranscript(contextOf(store), REF)).toMatchObject({before: 1, merged: 0, deleted: 0})
  })

  test('what another wrote lately keeps its grace, and is gone after it', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    const lines = Array.from({length: 20}, (_, index) => line(index))
    await fillChain(contextOf(store), REF, lines)
    const done = await compactTranscript(contextOf(store, 'b'), REF)
    expect(done.deleted).toBe(0)
    expect(done.waiting).toHaveLength(20)
    expect(await read(store)).toBe(lines.join(''))
    expect(await compactTranscript(contextOf(store, 'b'), REF)).toMatchObject({merged: 0, deleted: 0})
    expect(await compactTranscript(contextOf(store, 'b'), REF, {grace: 0})).toMatchObject({merged: 0, deleted: 20})
    expect(await countParts(store)).toBe(1)
  })

  test('a big part is not written again for a few small ones', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    await fillChain(contextOf(store), REF, [
      line(0, 100_000),
      ...Array.from({length: 8}, (_, index) => line(index + 1)),
    ])
    const done = await compactTranscript(contextOf(store), REF)
    expect(done).toMatchObject({before: 9, after: 2, merged: 8})
    expect(done.bytesWritten).toBeLessThan(2_000)
  })

  test('several at once end with one copy', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    const lines = Array.from({length: 50}, (_, index) => line(index))
    await fillChain(contextOf(store), REF, lines)
    const runs = await Promise.allSettled(
      ['a', 'b', 'c'].map(async (machine) => compactTranscript(contextOf(store, machine), REF, {grace: 0})),
    )
    const failures = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason as {code?: string}] : []))
    expect(failures.every(({code}) => code === 'OBJECT_NOT_FOUND')).toBe(true)
    await compactTranscript(contextOf(store), REF, {grace: 0})
    expect(await countParts(store)).toBe(1)
    expect(await read(store)).toBe(lines.join(''))
  })

  test('appends go on beside it', async () => {
    const store = new MemoryObjectStore({clock: systemClock})
    const lines = Array.from({length: 60}, (_, index) => line(index))
    await fillChain(contextOf(store), REF, lines.slice(0, 30))
    await Promise.all([
      fillChain(contextOf(store), REF, lines.slice(30)),
      (async () => {
        for (let round = 0; round < 5; round++)
          await compactTranscript(contextOf(store), REF, {grace: 0}).catch(() => undefined)
      })(),
    ])
    expect(await read(store)).toBe(lines.join(''))
  })

  test('a crash at any call loses nothing, and the next one finishes it', async () => {
    const lines = Array.from({length: 24}, (_, index) => line(index))
    for (let call = 1; call <= 40; call++) {
      for (const when of ['before', 'after'] as const) {
        const store = new MemoryObjectStore({clock: systemClock})
        await fillChain(contextOf(store), REF, lines)
        const crashing = new CrashingStore(store, call, when)
        await compactTranscript(contextOf(crashing), REF, {grace: 0}).catch(() => undefined)
        expect(await read(store), `crash ${when} call ${call}`).toBe(lines.join(''))
        await compactTranscript(contextOf(store), REF, {grace: 0})
        expect(await countParts(store), `crash ${when} call ${call}`).toBe(1)
        expect(await read(store), `crash ${when} call ${call}`).toBe(lines.join(''))
      }
    }
  })
})
