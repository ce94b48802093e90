import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/object-store/memory.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {Homes} from '../../src/store/home.js'
import {Parts} from '../../src/store/parts.js'
import type {SyncContext} from '../../src/sync/context.js'
import {pullSession} from '../../src/sync/pull-session.js'
import {pushSession} from '../../src/sync/push-session.js'
import {Crash, CrashingStore} from '../support/crashing-store.js'
import {bookkeeping, message, SESSION, SyncWorker} from '../support/sync-worker.js'

/** What happens to a local file between two pushes. */
type Change =
  | {readonly type: 'append'; readonly lines: number; readonly bookkeeping: boolean}
  | {readonly type: 'rewrite'; readonly keep: number; readonly lines: number}
  | {readonly type: 'torn'}

interface Step {
  readonly change: Change
  /** The push dies at that call; later than its last call, it does not. */
  readonly crashAt: number
  readonly when: 'before' | 'after'
}

const change: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      lines: fc.integer({min: 1, max: 3}),
      bookkeeping: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('rewrite' as const),
      keep: fc.integer({min: 0, max: 6}),
      lines: fc.integer({min: 1, max: 2}),
    }),
  },
  {weight: 1, arbitrary: fc.constant({type: 'torn' as const})},
)
const step: fc.Arbitrary<Step> = fc.record({
  change,
  crashAt: fc.integer({min: 0, max: 24}),
  when: fc.constantFrom('before', 'after'),
})

let pids = 0

/** A process that may die in a store: the next one on this machine knows that it is dead. */
function processOf(worker: SyncWorker, store: ObjectStore): SyncContext {
  const pid = ++pids
  const owner = {...worker.context.owner, pid}
  return {
    ...worker.context,
    store,
    parts: new Parts(store),
    homes: new Homes(store),
    owner,
    isDead: (other) => other.machine === owner.machine && other.pid !== pid,
  }
}

let ids = 0
function apply(lines: readonly string[], {change}: Step): {lines: string[]; torn: string} {
  if (change.type === 'torn') return {lines: [...lines], torn: '{"uuid":"torn'}
  const fresh = Array.from({length: change.lines}, () => message(++ids))
  if (change.type === 'append') {
    return {lines: [...lines, ...fresh, ...(change.bookkeeping ? [bookkeeping('mode')] : [])], torn: ''}
  }
  return {lines: [...lines.slice(0, Math.max(1, change.keep)), ...fresh], torn: ''}
}

async function push(worker: SyncWorker, store: ObjectStore): Promise<void> {
  await pushSession(processOf(worker, store), await worker.session())
}

async function crashing(worker: SyncWorker, store: ObjectStore, {crashAt, when}: Step): Promise<void> {
  await push(worker, new CrashingStore(store, crashAt, when)).catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error
  })
}

async function pulled(store: ObjectStore): Promise<string> {
  await using reader = await SyncWorker.start(store, 'reader')
  await pullSession(reader.context, SESSION, {projectKey: '-r', processes: reader.processes})
  return await reader.read('-r')
}

describe('whatever happens to a file, and wherever a push dies', () => {
  test('pushed again and pulled elsewhere: equal bytes, nothing twice', {timeout: 120_000}, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, {minLength: 1, maxLength: 6}), async (steps) => {
        const store = new MemoryObjectStore({clock: systemClock})
        await using a = await SyncWorker.start(store, 'a')
        let lines = [message(++ids)]
        for (const each of steps) {
          const next = apply(lines, each)
          lines = next.lines
          await a.write('-a', lines.join('') + next.torn)
          await crashing(a, store, each)
        }
        await push(a, store)
        expect(await pulled(store)).toBe(lines.join(''))
      }),
      {numRuns: Number(process.env['REPRISE_PROPERTY_RUNS'] ?? 30)},
    )
  })

  test(
    'two machines that take turns, each dying in its pushes, end with every line once',
    {timeout: 120_000},
    async () => {
      const turn = fc.record({
        machine: fc.constantFrom('a', 'b'),
        lines: fc.integer({min: 1, max: 2}),
        crashAt: fc.integer({min: 0, max: 24}),
        when: fc.constantFrom('before' as const, 'after' as const),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(turn, {minLength: 2, maxLength: 6}), async (turns) => {
          const store = new MemoryObjectStore({clock: systemClock})
          await using a = await SyncWorker.start(store, 'a')
          await using b = await SyncWorker.start(store, 'b')
          const all = [message(++ids)]
          await a.write('-a', all.join(''))
          await push(a, store)
          for (const {machine, lines, crashAt, when} of turns) {
            const worker = machine === 'a' ? a : b
            await pullSession(processOf(worker, store), SESSION, {
              projectKey: `-${machine}`,
              processes: worker.processes,
            })
            expect(await worker.read(`-${machine}`)).toBe(all.join(''))
            for (let i = 0; i < lines; i++) all.push(message(++ids))
            await worker.write(`-${machine}`, all.join(''))
            await crashing(worker, store, {change: {type: 'torn'}, crashAt, when})
            await push(worker, store)
          }
          expect(await pulled(store)).toBe(all.join(''))
        }),
        {numRuns: Number(process.env['REPRISE_PROPERTY_RUNS'] ?? 30)},
      )
    },
  )
})
