import {expect, test} from 'vitest'
import type {ListOptions} from '../../src/object-store/object-store.js'
import {core} from '../support/simulation/core.js'
import {Stage, StageLease} from '../support/simulation/stage.js'
import {REF} from '../support/simulation/world.js'

const [A, X, Y] = ['a', 'x', 'y'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [string, string, string]
const JOURNALS = core.journalPrefix(REF)

/** A reader's store: `before` runs before each listing, and all listings are counted. */
function watched(
  stage: Stage,
  before: (what: 'parts' | 'journals', times: number) => Promise<unknown> = async () => 0,
) {
  const times = {parts: 0, journals: 0}
  const read: string[] = []
  const store = stage.with({
    list: (options: ListOptions) => {
      const what = options.prefix === JOURNALS ? 'journals' : 'parts'
      return (async function* () {
        await before(what, ++times[what])
        yield* stage.memory.list(options)
      })()
    },
    get: async (key: string, options?: object) => {
      read.push(key)
      return stage.memory.get(key, options)
    },
  })
  return {store, times, journalsRead: () => read.filter((key) => key.startsWith(JOURNALS)).length}
}

async function adopt(stage: Stage, epoch: number): Promise<void> {
  const context = stage.context()
  await new core.LeasedTranscript(context, new StageLease(core, epoch), REF, {grace: 60_000}).settle()
}

async function confirmed(stage: Stage, part: string, displaced: readonly string[]): Promise<void> {
  await core.confirmJournal(stage.memory, REF, await core.createJournal(stage.memory, REF, part, displaced))
}

test('two rebases, one in each gap of a reader, hide nothing from it', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [X])
  const {store, times} = watched(stage, async (what, time) => {
    if (what === 'parts' && time === 2) await stage.loose(stage.now + 1, [Y])
    if (what === 'journals' && time <= 2) await adopt(stage, time)
  })
  expect(await stage.delivered(store)).toBe(X + Y)
  expect(times.parts).toBe(3)
})

test('rebases without end are a conflict, not an endless read', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [X])
  const {store, times} = watched(stage, async (what, time) => {
    const name = await stage.loose(time * 10, [Y], what === 'parts' ? 'aaaaaa' : 'bbbbbb')
    if (what === 'journals') {
      const listed = core.formatPartName({ms: time * 10, digits: 'aaaaaa'})
      await confirmed(stage, `part-${String(time).padStart(13, '0')}-cccccc.jsonl`, [listed, name])
    }
  })
  await expect(stage.delivered(store)).rejects.toMatchObject({code: 'TRANSCRIPT_BUSY', kind: 'conflict'})
  expect(times.parts).toBe(10)
})

test('a confirmed rebase whose part was merged away counts after a second look', async () => {
  const stage = new Stage(core)
  const left = await stage.loose(1, [X]) // its delete failed
  await stage.put({chain: [A, X], from: 0, ms: 3, epoch: 2, leased: true, gen: 2})
  await confirmed(stage, core.formatPartName({ms: 2, digits: 'aaaaaa'}), [left])
  const {store, times} = watched(stage)
  const view = await core.viewTranscript(stage.context(store).parts, REF)
  expect(await stage.text(view.delivery)).toBe(A + X)
  expect(view.resolution.displaced.map((part) => part.name)).toEqual([left])
  expect(times.parts).toBe(2)
})

test('while parts go, a confirmed rebase without its part does not count', async () => {
  const stage = new Stage(core)
  const left = await stage.loose(1, [X])
  const merged = core.formatPartName({ms: 2, digits: 'aaaaaa'})
  const input = await stage.put({chain: [A, X], from: 0, ms: 3, epoch: 2, leased: true, gen: 2})
  await confirmed(stage, merged, [left])
  const {store, times} = watched(stage, async (what, time) => {
    if (what !== 'parts' || time !== 2) return
    await stage.memory.delete([input.key])
    await stage.put({chain: [A, X], from: 0, ms: 4, epoch: 2, leased: true, gen: 2})
  })
  expect(await stage.delivered(store)).toBe(A + X)
  expect(times.parts).toBe(3)
})

test('a rebase that never landed costs one more listing, and nothing is left out for it', async () => {
  const stage = new Stage(core)
  const left = await stage.loose(1, [X])
  await core.createJournal(stage.memory, REF, core.formatPartName({ms: 2, digits: 'aaaaaa'}), [left])
  const {store, times} = watched(stage)
  expect(await stage.delivered(store)).toBe(X)
  expect(times.parts).toBe(2)
})

test('who looks again reads no confirmed journal a second time, and one that was open again', async () => {
  const stage = new Stage(core)
  await stage.loose(1, [X])
  const rebased = [core.formatPartName({ms: 8, digits: 'aaaaaa'})]
  for (let ms = 2; ms < 7; ms++) await confirmed(stage, core.formatPartName({ms, digits: 'bbbbbb'}), rebased)
  const open = await core.createJournal(stage.memory, REF, core.formatPartName({ms: 7, digits: 'bbbbbb'}), rebased)
  const {store, journalsRead} = watched(stage)
  const {parts} = stage.context(store)
  await core.viewTranscript(parts, REF)
  expect(journalsRead()).toBe(6)
  await core.viewTranscript(parts, REF)
  expect(journalsRead()).toBe(7)
  await core.confirmJournal(stage.memory, REF, open)
  const view = await core.viewTranscript(parts, REF)
  expect(journalsRead()).toBe(8)
  expect(view.journals.map((each) => each.confirmed)).toEqual([true, true, true, true, true, true])
})
