import type {CompactionPolicy} from '../../../src/store/plan-compaction.js'
import type {Core} from './core.js'
import type {LineText} from './lines.js'
import {type PartSpec, same, Stage} from './stage.js'
import {REF} from './world.js'

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((uuid) => `{"uuid":"${uuid}"}\n`) as [
  LineText,
  LineText,
  LineText,
  LineText,
]
const L = {leased: true}

/** What a compactor must not do, each as a store in which it would. Merges are those of a policy that always merges. */
export const COMPACTION_SCENARIOS = {
  'inputs stay until their merge is confirmed': async (core: Core) => {
    const {stage} = await staged(core, [
      {chain: [A], from: 0, ms: 1},
      {chain: [A, B], from: 1, ms: 2},
    ])
    const unsure = stage.with({
      join: async () => {
        throw core.storeError('STORE_UNREACHABLE', 'no answer')
      },
    })
    const {parts, machine} = stage.context(unsure)
    await core.compactTranscript({parts, machine}, REF, {growth: 1, grace: 0}).catch(() => undefined)
    same(await stage.delivered(), A + B)
  },

  'a merge has the highest epoch of its run': async (core: Core) => {
    const {merges} = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 2, ...L},
      {chain: [A, B, C], from: 2, ms: 3, epoch: 3, ...L},
    ])
    same(
      merges.map(({inputs, epoch}) => [inputs, epoch]),
      [[[1, 2], 2]],
    )
  },

  'a run is of one kind, or a later epoch stands on it': async (core: Core) => {
    const twoKinds = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 1},
    ])
    same(twoKinds.merges, [])
    const twoEpochs = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 2, ...L},
    ])
    same(twoEpochs.merges, [])
  },

  'a run of both kinds lies before what the holder wrote, and counts as leased': async (core: Core) => {
    const specs = [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 1},
      {chain: [A, B, C], from: 2, ms: 3, epoch: 2, ...L},
    ]
    const {merges} = await staged(core, specs, {leaseEpoch: 2})
    same(
      merges.map(({inputs, leased}) => [inputs, leased]),
      [[[1, 2], true]],
    )
    // A holder has come that may have listed before the second part was there.
    same((await staged(core, specs, {leaseEpoch: 3})).merges, [])
    same((await staged(core, specs)).merges, [])
  },

  "a merge's name binds its beginning": async (core: Core) => {
    const {stage, merges, names} = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 2, ...L},
      {chain: [A, B, C], from: 2, ms: 3, epoch: 2, ...L},
    ])
    const {from, after} = stage.run({chain: [A, B, C], from: 1})
    same(
      merges.map(({inputs}) => inputs),
      [[2, 3]],
    )
    same(names, [core.formatPartName({ms: 3, digits: core.chainDigits(after, from)})])
  },

  'a part whose journal is open is no input': async (core: Core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1, epoch: 1, ...L})
    const adoption = await stage.put({chain: [A, B], from: 1, ms: 2, epoch: 1, ...L})
    await core.createJournal(stage.memory, REF, adoption.name, ['part-0000000000009-abcdef.jsonl'])
    same((await plan(stage)).merges, [])
  },

  'nothing beside the path stands between the parts of a run': async (core: Core) => {
    const stage = new Stage(core)
    await stage.put({chain: [A], from: 0, ms: 1})
    await stage.loose(2, [D])
    await stage.put({chain: [A, B], from: 1, ms: 3})
    same((await plan(stage)).merges, [])
  },

  'generations do not fall in a run': async (core: Core) => {
    const {merges} = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 2, gen: 2, ...L},
      {chain: [A, B], from: 1, ms: 2, epoch: 2, gen: 1, ...L},
    ])
    same(merges, [])
  },

  'a part that the path cuts short is no input': async (core: Core) => {
    const {merges} = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A, B, C], from: 1, ms: 2, epoch: 1, ...L},
      {chain: [A, B, D], from: 2, ms: 3, epoch: 2, gen: 2, ...L},
    ])
    same(merges, [])
  },

  'of two that cover each other one stays': async (core: Core) => {
    const {leftovers} = await staged(core, [
      {chain: [A], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 0, ms: 2, epoch: 1, ...L},
    ])
    same(leftovers, [1])
  },

  'a cover is of the epoch of what it covers, or of a later one': async (core: Core) => {
    const {leftovers} = await staged(core, [
      {chain: [A, B], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 0, ms: 2, epoch: 5, ...L},
    ])
    same(leftovers, [])
  },

  'what nobody can fence goes only under what nobody can fence': async (core: Core) => {
    const {leftovers} = await staged(core, [
      {chain: [A, B], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 0, ms: 2, epoch: 1},
    ])
    same(leftovers, [])
    const specs = [
      {chain: [A, B], from: 0, ms: 1, epoch: 1, ...L},
      {chain: [A], from: 0, ms: 2, epoch: 1},
      {chain: [A, B, C], from: 2, ms: 3, epoch: 2, ...L},
    ]
    same((await staged(core, specs)).leftovers, [])
    same((await staged(core, specs, {leaseEpoch: 3})).leftovers, [])
    same((await staged(core, specs, {leaseEpoch: 2})).leftovers, [2])
  },
} as const

interface Planned {
  readonly merges: readonly {readonly inputs: readonly number[]; readonly epoch: number; readonly leased: boolean}[]
  readonly names: readonly string[]
  readonly leftovers: readonly number[]
}

async function staged(
  core: Core,
  specs: readonly PartSpec[],
  policy: CompactionPolicy = {},
): Promise<Planned & {readonly stage: Stage}> {
  const stage = new Stage(core)
  for (const spec of specs) await stage.put(spec)
  return {...(await plan(stage, policy)), stage}
}

/** Inputs and leftovers by the `ms` of their names. */
async function plan(stage: Stage, policy: CompactionPolicy = {}): Promise<Planned> {
  const {core} = stage
  const view = await core.viewTranscript(new core.Parts(stage.memory), REF, {journals: 'always'})
  const {merges, leftovers} = core.planCompaction(view, {growth: 1, ...policy})
  return {
    merges: merges.map(({inputs, range: {epoch, leased}}) => ({
      inputs: inputs.map((part) => part.parsed?.ms ?? 0),
      epoch,
      leased,
    })),
    names: merges.map(({name}) => name),
    leftovers: leftovers.map(({part}) => part.parsed?.ms ?? 0),
  }
}
