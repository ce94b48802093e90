import {afterAll, expect, test} from 'vitest'
import {campaign, type CampaignResult} from '../support/simulation/campaign.js'
import {core} from '../support/simulation/core.js'
import {MIXES} from '../support/simulation/mixes.js'
import {simulate} from '../support/simulation/simulate.js'
import type {SimulationOptions} from '../support/simulation/world.js'

const {REPRISE_SIM_SEED: replaySeed, REPRISE_SIM_MIX: replayMix, FULL: full} = process.env
const FIRST_SEED = 1
const RUNS = full ? 6_700 : Number(process.env['REPRISE_SIM_RUNS'] ?? 14)
const mixes = MIXES.map((options, mix) => ({mix, options})).filter(
  ({mix}) => replayMix === undefined || mix === Number(replayMix),
)

let schedules = 0
const reached: Record<string, number> = {}

afterAll(() => {
  process.stderr.write(`simulation: ${schedules} schedules of ${mixes.length} mixes\n`)
  if (process.env['REPRISE_SIM_STATS']) process.stderr.write(`${JSON.stringify(reached, null, 1)}\n`)
})

test.each(mixes)(
  'mix $mix: readers get everything that was acknowledged, once, and nothing of a fenced writer',
  async ({mix, options}) => {
    const result = await play(options)
    schedules += result.runs
    for (const [what, times] of Object.entries(result.stats)) reached[what] = (reached[what] ?? 0) + times
    const told = result.violations.map((found) => `${found.text} (step ${found.step}): ${replay(mix, found.seed)}`)
    expect(told).toEqual([])
    expect(result.stats['parts']).toBeGreaterThan(0)
  },
  full ? 7_200_000 : 600_000,
)

test('one seed is one schedule', async () => {
  for (const [mix, options] of MIXES.slice(3, 9).entries()) {
    const first = await simulate(core, 77 + mix, options)
    const again = await simulate(core, 77 + mix, options)
    expect(again).toEqual(first)
    const other = await simulate(core, 78 + mix, options)
    expect(other.log).not.toEqual(first.log)
  }
})

test.skipIf(replaySeed !== undefined || replayMix !== undefined)('they reach what the rules are for', () => {
  const missing = [
    'C slept through C',
    'acknowledged',
    'adapter appends',
    'barriers',
    'compacted: adopted',
    'compacted: compacted',
    'dozes',
    'fenced',
    'forks',
    'journals confirmed',
    'journals found open',
    'late twins',
    'leftovers',
    'loose',
    'mended: fenced-parts',
    'mended: lease-dead',
    'mended: merge-interrupted',
    'merges',
    'pushes',
    'reference: doubles',
    'reference: exact',
    'replaces',
    'requests landed',
    'requests late',
    'requests lost',
    'swept',
  ].filter((what) => (reached[what] ?? 0) === 0)
  expect(missing).toEqual([])
})

async function play(options: SimulationOptions): Promise<CampaignResult> {
  if (replaySeed === undefined) return campaign(core, RUNS, FIRST_SEED, options)
  const {log} = await simulate(core, Number(replaySeed), options)
  process.stderr.write(`${log.join('\n')}\n`)
  return campaign(core, 1, Number(replaySeed), options)
}

function replay(mix: number, seed: number): string {
  return `REPRISE_SIM_MIX=${mix} REPRISE_SIM_SEED=${seed} npx vitest run test/store/simulation.test.ts`
}
