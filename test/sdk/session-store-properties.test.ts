import type {SessionKey, SessionStoreEntry} from '@anthropic-ai/claude-agent-sdk'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {createSessionStore} from '../../src/library/session-store.js'
import {listAll} from '../../src/object-store/list-all.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {ReferenceAdapter} from '../support/reference-adapter.js'

/** Two of ours, and one with the reference adapter. */
type Writer = 'first' | 'second' | 'reference'

/** One program appends to one of the transcripts, ours in one batch or entry by entry without awaiting. */
interface Step {
  readonly by: Writer
  readonly to: number
  /** An even number has a `uuid` of its own, the odd ones have none and are all equal for one writer. */
  readonly numbers: readonly number[]
  readonly burst: boolean
  /** The program is started anew before. */
  readonly restart: boolean
}

const KEY = {projectKey: '-work', sessionId: '6f1d3a52-8b0e-4c57-9a44-0d8e2f7b1c90'}
const TRANSCRIPTS = [KEY, {...KEY, subpath: 'subagents/agent-a'}] as const

const step: fc.Arbitrary<Step> = fc.record({
  by: fc.constantFrom('first' as const, 'second' as const, 'reference' as const),
  to: fc.nat(TRANSCRIPTS.length - 1),
  numbers: fc.array(fc.nat(15), {minLength: 1, maxLength: 5}),
  burst: fc.boolean(),
  restart: fc.boolean(),
})
const steps = fc.array(step, {minLength: 1, maxLength: 10})

const uuidOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

function entryOf(number: number, by: Writer): SessionStoreEntry {
  return number % 2 === 0 ? {type: 'user', uuid: uuidOf(number), number} : {type: 'last-prompt', lastPrompt: by}
}

interface Said {
  readonly by: Writer
  readonly entry: SessionStoreEntry
}

class SharedMemory extends MemoryObjectStore {
  override async close(): Promise<void> {}
}

/** By a clock that is never behind the others': that layout orders parts by nothing else. */
async function appendByReference(objects: ObjectStore, key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
  const {objects: stored} = await listAll(objects, {prefix: `${key.projectKey}/`})
  const times = stored.map((object) => Number(/part-(\d{13})/.exec(object.key)?.[1] ?? 0))
  const now = Math.max(Date.now(), ...times.map((ms) => ms + 1))
  await new ReferenceAdapter(objects, () => now).append(key, entries)
}

/** What is not stored yet. The reference adapter knows no `uuid`, so it is given this alone. */
function newOf(entries: readonly SessionStoreEntry[], before: readonly Said[]): SessionStoreEntry[] {
  const known = new Set(before.map(({entry}) => entry.uuid))
  return entries.filter(({uuid}, index) => {
    const isFirst = entries.findIndex((each) => each.uuid === uuid) === index
    return uuid === undefined || (isFirst && !known.has(uuid))
  })
}

/** @returns of each transcript what is new to it, in the order in which it was appended, and what two readers find. */
async function play(run: readonly Step[]): Promise<{said: Said[]; found: SessionStoreEntry[][]}[]> {
  const objects = new SharedMemory({clock: systemClock})
  const open = () => createSessionStore({objectStore: objects})
  const stores = {first: open(), second: open()}
  const said: Said[][] = TRANSCRIPTS.map(() => [])
  for (const {by, to, numbers, burst, restart} of run) {
    const key = TRANSCRIPTS[to] ?? KEY
    const before = said[to] ?? []
    const entries = numbers.map((number) => entryOf(number, by))
    const fresh = newOf(entries, before)
    if (by === 'reference') await appendByReference(objects, key, fresh)
    else {
      if (restart) stores[by] = open()
      const batches = burst ? entries.map((entry) => [entry]) : [entries]
      await Promise.all(batches.map(async (batch) => stores[by].append(key, batch)))
    }
    said[to] = [...before, ...fresh.map((entry) => ({by, entry}))]
  }
  const readers = [stores.first, stores.second, open()]
  return Promise.all(
    TRANSCRIPTS.map(async (key, index) => ({
      said: said[index] ?? [],
      found: await Promise.all(readers.map(async (reader) => (await reader.load(key)) ?? [])),
    })),
  )
}

/** Entries that several programs have sent. */
function sharedOf(run: readonly Step[]): ReadonlySet<string | undefined> {
  const senders = new Map<string, Set<Writer>>()
  for (const {by, numbers} of run) {
    for (const {uuid} of numbers.map((number) => entryOf(number, by))) {
      if (uuid !== undefined) senders.set(uuid, (senders.get(uuid) ?? new Set()).add(by))
    }
  }
  return new Set([...senders].flatMap(([uuid, writers]) => (writers.size > 1 ? [uuid] : [])))
}

const textsOf = (entries: readonly SessionStoreEntry[]) => entries.map((entry) => JSON.stringify(entry))

describe('programs that write one session in turn', () => {
  test(
    'each started anew for it: every entry is there, each uuid once, in the order of the appends',
    {timeout: 120_000},
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (run) => {
          const anew = run.map((each) => ({...each, restart: true}))
          for (const {said, found} of await play(anew)) {
            for (const entries of found) expect(textsOf(entries)).toEqual(textsOf(said.map(({entry}) => entry)))
          }
        }),
        {numRuns: 40},
      )
    },
  )

  test(
    'that know nothing of each other: every entry is there, each uuid once, and everyone has kept its order',
    {timeout: 120_000},
    async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (run) => {
          for (const {said, found} of await play(run)) {
            for (const entries of found) {
              const texts = textsOf(entries)
              expect(texts.toSorted()).toEqual(textsOf(said.map(({entry}) => entry)).toSorted())
              // What two have sent stands where one of them did.
              const shared = sharedOf(run)
              for (const writer of ['first', 'second', 'reference'] as const) {
                const alone = said.filter(({by, entry}) => by === writer && !shared.has(entry.uuid))
                const own = textsOf(alone.map(({entry}) => entry))
                expect(texts.filter((text) => own.includes(text))).toEqual(own)
              }
            }
          }
        }),
        {numRuns: 40},
      )
    },
  )
})
