import {describe, expect, test} from 'vitest'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {type FaultKind, FaultyObjectStore, scriptedFaults} from '../../src/testing.js'
import {entryIdentity} from '../../src/transcript/entry-identity.js'
import {core} from '../support/simulation/core.js'
import {encode} from '../support/simulation/lines.js'
import {type PartSpec, Stage, StageLease} from '../support/simulation/stage.js'
import {REF} from '../support/simulation/world.js'

const [A, B, C, D, X, Y] = ['a', 'b', 'c', 'd', 'x', 'y'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const WIDTH = A.length
const L = {epoch: 1, leased: true}

function bytesOf(lines: readonly string[]) {
  const whole = encode(lines)
  return {
    length: whole.length,
    async *read(start: number, end: number) {
      yield whole.subarray(start, end)
    },
  }
}

function journalOf(part: string, confirmed: boolean) {
  return {part, displaced: new Set([`of ${part}`]), runs: [], confirmed, etag: ''}
}

interface Case {
  readonly what: string
  readonly parts: readonly PartSpec[]
  readonly target: readonly string[]
  /** Lines before the cut. */
  readonly cut: number
  /** By the `ms` of their names. */
  readonly displaced: readonly number[]
}

const STRAIGHT: readonly PartSpec[] = [
  {chain: [A], from: 0, ms: 1, ...L},
  {chain: [A, B], from: 1, ms: 2, ...L},
  {chain: [A, B, C], from: 2, ms: 3, ...L},
]

const CASES: readonly Case[] = [
  {what: 'nothing stored', parts: [], target: [A, B], cut: 0, displaced: []},
  {what: 'the first line differs', parts: STRAIGHT, target: [X, B, C], cut: 0, displaced: [1, 2, 3]},
  {what: 'the last line differs', parts: STRAIGHT, target: [A, B, X], cut: 2, displaced: [3]},
  {what: 'a middle line is gone', parts: STRAIGHT, target: [A, C], cut: 1, displaced: [2, 3]},
  {what: 'the tail is gone', parts: STRAIGHT, target: [A, B], cut: 2, displaced: [3]},
  {what: 'everything is gone', parts: STRAIGHT, target: [], cut: 0, displaced: [1, 2, 3]},
  {
    what: 'the difference lies inside a part: the cut goes to its beginning',
    parts: [
      {chain: [A], from: 0, ms: 1, ...L},
      {chain: [A, B, C], from: 1, ms: 2, ...L},
    ],
    target: [A, B, X],
    cut: 1,
    displaced: [2],
  },
  {
    what: 'parts overlap, and none of them spans the cut',
    parts: [
      {chain: [A, B], from: 0, ms: 1, ...L},
      {chain: [A, B, C], from: 1, ms: 2, ...L},
      {chain: [A, B, C, D], from: 3, ms: 3, ...L},
    ],
    target: [A, B, C, X],
    cut: 3,
    displaced: [3],
  },
  {
    what: 'overlapping parts draw the cut back one after the other',
    parts: [
      {chain: [A, B], from: 0, ms: 1, ...L},
      {chain: [A, B, C], from: 1, ms: 2, ...L},
      {chain: [A, B, C, D], from: 2, ms: 3, ...L},
    ],
    target: [A, B, C, X],
    cut: 0,
    displaced: [1, 2, 3],
  },
  {
    what: 'a fork begins before the difference',
    parts: [...STRAIGHT, {chain: [A, X], from: 1, ms: 4, epoch: 1}],
    target: [A, B, C, Y],
    cut: 1,
    displaced: [2, 3, 4],
  },
]

describe('the cut, and what the new part makes needless', () => {
  test.each(CASES)('$what', async ({parts, target, cut, displaced}) => {
    const stage = new Stage(core)
    for (const spec of parts) await stage.put(spec)
    const view = await core.viewTranscript(stage.parts, REF)
    const plan = await core.planRebase(view, bytesOf(target), stage.parts)
    expect([plan.run.from, plan.run.to]).toEqual([cut * WIDTH, target.length * WIDTH])
    expect(plan.run.entries).toBe(target.length - cut)
    const times = plan.displaced.map((name) => core.parsePartName(name)?.ms ?? 0)
    expect(times.toSorted((a, b) => a - b)).toEqual(displaced)
  })
})

test('loose parts are displaced; one with a line that the file never held stays beside it', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 1, ...L})
  const known = await stage.loose(2, [B])
  const unknown = await stage.loose(3, [B, X])
  const view = await core.viewTranscript(stage.parts, REF)
  const all = await core.planRebase(view, bytesOf([A]), stage.parts)
  expect(all.displaced.toSorted()).toEqual([known, unknown].toSorted())
  const had = new Set([A, B].map((line) => entryIdentity(Buffer.from(line)).key))
  const some = await core.planRebase(view, bytesOf([A]), stage.parts, {held: (identity) => had.has(identity)})
  expect(some.displaced).toEqual([known])
})

test('a rebase is what readers see from the moment its part is there, and leaves one chain', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A, B], from: 0, ms: 1})
  await stage.loose(2, [X])
  const lease = new StageLease(core, 1)
  const transcript = new core.LeasedTranscript(stage.context(), lease, REF, {grace: 0})
  await transcript.settle()
  expect(await stage.delivered()).toBe(A + B + X)
  await transcript.rebase(bytesOf([A, X, Y]))
  expect(await stage.delivered()).toBe(A + X + Y)
  expect(transcript.end.length).toBe(3 * WIDTH)
  lease.date = stage.now + 1
  await transcript.tidy()
  expect(await stage.delivered()).toBe(A + X + Y)
  const view = await core.viewTranscript(stage.parts, REF)
  expect([view.resolution.loose, view.resolution.forks, view.resolution.displaced]).toEqual([[], [], []])
  await transcript.append(stage.run({chain: [A, X, Y, C], from: 3}))
  expect(await stage.delivered()).toBe(A + X + Y + C)
})

test('where the lease lies elsewhere, deletes wait by the clock of the parts', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A, B], from: 0, ms: 1})
  const loose = await stage.loose(2, [X])
  const lease = new StageLease(core, 1)
  // Another service's, hours ahead: nothing may come of it.
  lease.date = undefined
  const transcript = new core.LeasedTranscript(stage.context(), lease, REF, {grace: 60_000})
  await transcript.settle()
  const isThere = async () => (await stage.keys(core.transcriptPrefix(REF))).some((key) => key.endsWith(loose))
  await transcript.tidy()
  expect(await isThere()).toBe(true)
  stage.now += 60_000
  await transcript.tidy()
  expect(await isThere()).toBe(false)
})

describe('journals', () => {
  test('one is created once, marked once, and read as it was written', async () => {
    const {memory} = new Stage(core)
    const created = await core.createJournal(memory, REF, 'part-1700000000000-abcdef.jsonl', ['x', 'y', 'x'])
    expect(await core.readJournals(memory, REF)).toEqual([created])
    await expect(core.createJournal(memory, REF, created.part, [])).rejects.toMatchObject({code: 'OBJECT_EXISTS'})
    const marked = await core.confirmJournal(memory, REF, created)
    expect(await core.readJournals(memory, REF)).toEqual([marked])
    expect([...marked.displaced, marked.confirmed]).toEqual(['x', 'y', true])
    await expect(core.confirmJournal(memory, REF, created)).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
  })

  test('one whose mark got lost on its way back is marked; one that another changed is not', async () => {
    const {memory} = new Stage(core)
    const created = await core.createJournal(memory, REF, 'part-1700000000000-abcdef.jsonl', ['x'])
    const breaking = (kind: FaultKind) => {
      const clock = {...systemClock, sleep: async () => undefined}
      const faulty = new FaultyObjectStore(memory, {clock, plan: scriptedFaults([{kind, operation: 'put'}])})
      return new RetryingObjectStore(faulty, {clock, random: systemRandom})
    }
    const stale = core.confirmJournal(breaking('fail-before'), REF, {...created, etag: 'another'})
    await expect(stale).rejects.toMatchObject({code: 'OBJECT_CHANGED'})
    const marked = await core.confirmJournal(breaking('fail-after'), REF, created)
    expect(await core.readJournals(memory, REF)).toEqual([marked])
  })

  test('those of a subagent are apart', async () => {
    const {memory} = new Stage(core)
    const agent = {...REF, subpath: 'subagents/agent-1'}
    await core.createJournal(memory, agent, 'part-1700000000000-abcdef.jsonl', [])
    expect(await core.readJournals(memory, REF)).toEqual([])
    expect(await core.readJournals(memory, agent)).toHaveLength(1)
  })

  test.each([
    '',
    '{',
    '{}',
    '{"version":2,"confirmed":true,"displaced":[]}',
    '{"version":1,"confirmed":1,"displaced":[]}',
  ])('a damaged one is refused: %j', async (text) => {
    const {memory} = new Stage(core)
    await memory.put(`${core.journalPrefix(REF)}x.json`, Buffer.from(text), {mode: {type: 'create'}})
    await expect(core.readJournals(memory, REF)).rejects.toMatchObject({code: 'JOURNAL_DAMAGED'})
  })

  test('one counts when it is marked, or when its part is on the path', () => {
    const names = core.displacedNames(
      [journalOf('a', true), journalOf('b', false), journalOf('c', false)],
      new Set(['c']),
    )
    expect([...names]).toEqual(['of a', 'of c'])
  })
})
