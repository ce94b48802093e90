import {expect, test} from 'vitest'
import {core} from '../support/simulation/core.js'
import {Stage, type PartSpec} from '../support/simulation/stage.js'
import {REF} from '../support/simulation/world.js'

const [A, B, C, D, X, Y] = ['a', 'b', 'c', 'd', 'x', 'y'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  string,
  string,
  string,
  string,
  string,
  string,
]
const L = {leased: true}

interface Case {
  readonly what: string
  readonly parts: readonly PartSpec[]
  readonly loose?: readonly (readonly [number, string])[]
  /** The lines of the path. */
  readonly path: string
  /** By the `ms` of their names. */
  readonly covered?: readonly number[]
  readonly fenced?: readonly number[]
  readonly forks?: readonly number[]
}

const CASES: readonly Case[] = [
  {what: 'no part', parts: [], path: ''},
  {what: 'one part', parts: [{chain: [A, B], from: 0, ms: 1}], path: A + B},
  {
    what: 'a straight chain',
    parts: [
      {chain: [A], from: 0, ms: 1},
      {chain: [A, B], from: 1, ms: 2},
      {chain: [A, B, C], from: 2, ms: 3},
    ],
    path: A + B + C,
  },
  {
    what: 'a chain whose keys do not sort as it goes on',
    parts: [
      {chain: [A], from: 0, ms: 3},
      {chain: [A, B], from: 1, ms: 2},
      {chain: [A, B, C], from: 2, ms: 1},
    ],
    path: A + B + C,
  },
  {
    what: 'an overlap: a part begins inside another and agrees',
    parts: [
      {chain: [A, B], from: 0, ms: 1},
      {chain: [A, B, C], from: 1, ms: 2},
    ],
    path: A + B + C,
    covered: [1],
  },
  {
    what: 'an overlap that disagrees, of a later epoch',
    parts: [
      {chain: [A, B], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, X], from: 1, ms: 2, epoch: 2, ...L},
    ],
    path: A + X,
    fenced: [1],
  },
  {
    what: 'a gap: what comes behind it is a fork',
    parts: [
      {chain: [A], from: 0, ms: 1},
      {chain: [A, B, C], from: 2, ms: 3},
    ],
    path: A,
    forks: [3],
  },
  {
    what: 'nothing that reaches byte 0',
    parts: [{chain: [A, B], from: 1, ms: 1}],
    path: '',
    forks: [1],
  },
  {
    what: 'two predecessors: the one that begins first',
    parts: [
      {chain: [A, B], from: 0, ms: 1},
      {chain: [A, B], from: 1, ms: 2},
      {chain: [A, B, C], from: 2, ms: 3},
    ],
    path: A + B + C,
    covered: [2],
  },
  {
    what: 'an empty part is no predecessor, and the end of the path all the same',
    parts: [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 1, ms: 2, epoch: 2, ...L},
      {chain: [A, B], from: 1, ms: 3, epoch: 2, ...L},
      {chain: [A, B], from: 2, ms: 4, epoch: 3, ...L},
    ],
    path: A + B,
    covered: [2],
  },
  {
    what: 'a part of nothing at the beginning',
    parts: [
      {chain: [], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 0, ms: 2, epoch: 1, ...L},
    ],
    path: A,
    covered: [1],
  },
  {
    what: 'two without a lease at one place: the longer one is the path, the other a fork',
    parts: [
      {chain: [A], from: 0, ms: 1},
      {chain: [A, B, C], from: 1, ms: 2},
      {chain: [A, X], from: 1, ms: 3},
    ],
    path: A + B + C,
    forks: [3],
  },
  {
    what: 'a leased part outranks a longer one without a lease of its epoch',
    parts: [
      {chain: [A, B, C], from: 0, ms: 1, epoch: 1},
      {chain: [X], from: 0, ms: 2, epoch: 1, ...L},
    ],
    path: X,
    forks: [1],
  },
  {
    what: 'a later epoch outranks everything',
    parts: [
      {chain: [A, B, C, D], from: 0, ms: 9, epoch: 1, ...L},
      {chain: [X], from: 0, ms: 1, epoch: 2, ...L},
    ],
    path: X,
    fenced: [9],
  },
  {
    what: 'a barrier fences what comes late, but not what it stands on',
    parts: [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 1, ms: 2, epoch: 2, ...L},
      {chain: [A, X], from: 1, ms: 3, epoch: 1, ...L},
      {chain: [A, B], from: 1, ms: 4, epoch: 2, ...L},
    ],
    path: A + B,
    covered: [2],
    fenced: [3],
  },
  {
    what: 'what was written without a lease goes on beyond the tip',
    parts: [
      {chain: [A], from: 0, ms: 1, epoch: 2, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 2},
      {chain: [A, B, C], from: 2, ms: 3, epoch: 2},
    ],
    path: A + B + C,
  },
  {
    what: 'another generation does not extend the tip',
    parts: [
      {chain: [A, B], from: 0, ms: 1, epoch: 1, gen: 0},
      {chain: [A], from: 0, ms: 2, epoch: 2, gen: 2, ...L},
    ],
    path: A,
    forks: [1],
  },
  {
    what: 'loose parts among them change no path',
    parts: [
      {chain: [A], from: 0, ms: 1},
      {chain: [A, B], from: 1, ms: 3},
    ],
    loose: [
      [2, X],
      [4, Y],
    ],
    path: A + B,
  },
]

function times(listed: readonly {parsed?: {ms: number}}[]): (number | undefined)[] {
  return listed.map((part) => part.parsed?.ms)
}

test.each(CASES)('$what', async ({parts, loose = [], path, covered = [], fenced = [], forks = []}) => {
  const stage = new Stage(core)
  for (const spec of parts) await stage.put(spec)
  for (const [ms, line] of loose) await stage.loose(ms, [line])
  const {resolution} = await core.viewTranscript(stage.parts, REF)
  let text = ''
  for (const {part, start, end} of resolution.slices) {
    const {from} = part.range
    for await (const chunk of stage.parts.read(part, start - from, end - from)) text += Buffer.from(chunk).toString()
  }
  expect(text).toBe(path)
  expect(resolution.length).toBe(path.length)
  expect({
    covered: times(resolution.covered),
    fenced: times(resolution.fenced),
    forks: times(resolution.forks),
    loose: times(resolution.loose),
  }).toEqual({covered, fenced, forks, loose: loose.map(([ms]) => ms)})
})

test('a metadata part stands outside the chain, whatever its metadata says', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 1})
  const run = stage.run({chain: [A, B], from: 1})
  const key = core.transcriptPrefix(REF) + core.formatPartName({ms: 2, digits: core.METADATA_DIGITS})
  const metadata = core.encodeRange({...run, epoch: 9, leased: true, gen: 9, machine: 'm'})
  await stage.memory.put(key, run.body, {mode: {type: 'create'}, metadata})
  const {resolution} = await core.viewTranscript(stage.parts, REF)
  expect(resolution.length).toBe(A.length)
  expect(resolution.metadata.map((part) => part.key)).toEqual([key])
})

test('the common case reads no byte of any part', async () => {
  const stage = new Stage(core)
  await stage.put({chain: [A], from: 0, ms: 1})
  await stage.put({chain: [A, B], from: 1, ms: 2})
  await stage.put({chain: [A, B, C], from: 2, ms: 3})
  let gets = 0
  const store = stage.with({
    get: (key: string) => {
      gets++
      return stage.memory.get(key)
    },
  })
  const view = await core.viewTranscript(stage.context(store).parts, REF)
  expect([view.resolution.length, view.delivery.straight, gets]).toEqual([A.length * 3, true, 0])
})

test('bytes that are not what their digest says are refused where they are needed', async () => {
  const stage = new Stage(core)
  const part = await stage.put({chain: [A, B], from: 0, ms: 1})
  await stage.put({chain: [A, B, C], from: 1, ms: 2})
  stage.memory.corrupt(part.key)
  await expect(core.viewTranscript(stage.parts, REF)).rejects.toMatchObject({code: 'PART_DAMAGED'})
})
