import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {buildSource} from '../support/simulation/build.js'
import {campaign} from '../support/simulation/campaign.js'
import {type Core, core} from '../support/simulation/core.js'
import {explore} from '../support/simulation/interleavings/explore.js'
import {SCENES} from '../support/simulation/interleavings/scenes.js'
import {MIXES} from '../support/simulation/mixes.js'
import {mutatedCore} from '../support/simulation/mutate.js'
import {type Mutation, MUTATIONS} from '../support/simulation/mutations.js'
import {SCENARIOS} from '../support/simulation/scenarios.js'

/** A schedule moves with every change of the code: its neighbours are played too, before the rule counts as not caught. */
const NEIGHBOURS = 60

let build: string

beforeAll(async () => {
  build = await buildSource()
}, 60_000)

afterAll(async () => {
  await rm(build, {recursive: true, force: true})
})

const BY_HAND = MUTATIONS.flatMap(({caughtBy, ...each}) => (typeof caughtBy === 'string' ? [{...each, caughtBy}] : []))
const BY_CHANCE = MUTATIONS.flatMap(({caughtBy, ...each}) =>
  typeof caughtBy === 'string' ? [] : [{...each, caughtBy}],
)

async function withoutRule({rule, edits}: Pick<Mutation, 'rule' | 'edits'>): Promise<Core> {
  return mutatedCore(build, join(build, 'without', rule.replaceAll(/\W+/g, '-')), {rule, edits})
}

describe('schedules written by hand', () => {
  test.each(Object.entries(SCENARIOS))('%s', async (_, play) => {
    await expect(play(core)).resolves.toBeUndefined()
  })

  test.each(BY_HAND)('without $rule: "$caughtBy" fails', async ({caughtBy, ...mutation}) => {
    const without = await withoutRule(mutation)
    await expect(SCENARIOS[caughtBy](without)).rejects.toThrow(/./)
  })
})

describe('random schedules', () => {
  test.each(BY_CHANCE)(
    'without $rule: caught',
    async ({caughtBy: {mix, seed}, ...mutation}) => {
      const without = await withoutRule(mutation)
      const {violations, runs} = await campaign(without, NEIGHBOURS, seed, MIXES[mix], true)
      expect(violations, `not caught in ${runs} schedules: node scripts/mutate.js "${mutation.rule}"`).toHaveLength(1)
    },
    60_000,
  )
})

describe('every order of the requests of a small scene', () => {
  const EXPLORED = [
    {rule: 'merge: its inputs go only when it is confirmed', name: 'two merge the same run', faults: 1},
    {rule: 'commit first: deletes wait for the part', name: 'one merges what a holder rebases', faults: 0},
  ]
  test.each(EXPLORED)('without $rule: $name, and one does not do', {timeout: 60_000}, async ({rule, name, faults}) => {
    const mutation = MUTATIONS.find((each) => each.rule === rule)
    const scene = SCENES.find((each) => each.name === name)
    if (!mutation || !scene) throw new Error('there is such a rule, and such a scene')
    const {violation} = await explore(await withoutRule(mutation), scene, {faults, atOnce: 1, steps: 10_000})
    expect(violation).toMatch(/^C[12] /)
  })
})

test('a mutation that fits no longer says so', async () => {
  const [first] = MUTATIONS
  const stale: Mutation = {...first!, edits: [{file: 'store/resolve', find: 'no such code', replace: ''}]}
  await expect(mutatedCore(build, join(build, 'stale'), stale)).rejects.toThrow('no longer applies')
})
