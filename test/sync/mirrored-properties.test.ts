import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {type Host, MirroredWorld, type ProgramName} from './mirrored-world.js'
import type {Turn} from './mirrored-lines.js'

/** A query that holds no lease, and goes on beside a claude that a lease holder mirrors. */
interface Beside {
  readonly by: Exclude<ProgramName, 'leased'>
  readonly turn: Turn
  readonly anew: boolean
}

type Step =
  | {readonly type: 'query'; readonly by: ProgramName; readonly turn: Turn; readonly anew: boolean}
  | {readonly type: 'claude'; readonly on: Host; readonly turn: Turn}
  | {readonly type: 'resume'; readonly on: Host; readonly turn: Turn; readonly beside: Beside | undefined}
  | {readonly type: 'push' | 'pull'; readonly on: Host}

const turn: fc.Arbitrary<Turn> = fc.record({
  messages: fc.integer({min: 1, max: 3}),
  bookkeeping: fc.integer({min: 0, max: 2}),
  unmirrored: fc.boolean(),
  subagent: fc.boolean(),
})
const on = fc.constantFrom<Host>('a', 'b')
const by = fc.constantFrom<ProgramName>('plain', 'other', 'leased', 'reference')
const beside: fc.Arbitrary<Beside> = fc.record({
  by: fc.constantFrom('plain' as const, 'other' as const, 'reference' as const),
  turn,
  anew: fc.boolean(),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {weight: 4, arbitrary: fc.record({type: fc.constant('query' as const), by, turn, anew: fc.boolean()})},
  {weight: 2, arbitrary: fc.record({type: fc.constant('claude' as const), on, turn})},
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('resume' as const),
      on,
      turn,
      beside: fc.option(beside, {nil: undefined}),
    }),
  },
  {weight: 4, arbitrary: fc.record({type: fc.constantFrom('push' as const, 'pull' as const), on})},
)
const beginning = fc.record({
  turns: fc.array(turn, {minLength: 1, maxLength: 3}),
  inFile: fc.oneof(fc.constant(0), fc.integer({min: 1, max: 4})),
  inMirror: fc.integer({min: 0, max: 4}),
})

async function take(world: MirroredWorld, each: Step): Promise<void> {
  if (each.type === 'query') await world.query(each.by, each.turn, each.anew)
  else if (each.type === 'claude') await world.localTurn(each.on, each.turn)
  else if (each.type === 'resume') {
    const {on: host, turn: said, beside: other} = each
    await world.resume(host, said, async () => other && world.query(other.by, other.turn, other.anew))
  } else await world[each.type](each.on)
}

describe('a session that the Agent SDK mirrored, with the file that its claude wrote', () => {
  test('whoever goes on with it, in any order: every entry once, everywhere', {timeout: 240_000}, async () => {
    await fc.assert(
      fc.asyncProperty(beginning, fc.array(step, {maxLength: 8}), async ({turns, ...lost}, steps) => {
        await using world = await MirroredWorld.start()
        await world.begin(turns, lost)
        for (const each of steps) await take(world, each)
        expect(await world.settle()).toEqual([])
      }),
      {numRuns: Number(process.env['REPRISE_PROPERTY_RUNS'] ?? 20)},
    )
  })
})
