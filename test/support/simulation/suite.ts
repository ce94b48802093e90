import {afterAll, expect, test} from 'vitest'
import {campaign, type CampaignResult} from './campaign.js'
import {core} from './core.js'
import {MIXES} from './mixes.js'
import {simulate} from './simulate.js'
import type {SimulationOptions} from './world.js'

const {REPRISE_SIM_SEED: replaySeed, REPRISE_SIM_MIX: replayMix, FULL: full} = process.env
const FIRST_SEED = 1
/** Of 20 mixes: 100,000 schedules in the long run. */
const RUNS = full ? 5_000 : Number(process.env['REPRISE_SIM_RUNS'] ?? 14)

/**
 * Plays schedules of the mixes that are meant, and asks that they reach what the rules are for.
 *
 * @param file that a violation names for its replay.
 */
export function describeSimulation(
  file: string,
  isMeant: (options: SimulationOptions) => boolean,
  mustReach: readonly string[],
): void {
  const mixes = MIXES.map((options, mix) => ({mix, options})).filter(
    ({mix, options}) => isMeant(options) && (replayMix === undefined || mix === Number(replayMix)),
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
    full ? 7_200_000 : 1_800_000,
  )

  test('one seed is one schedule', async () => {
    for (const [mix, options] of MIXES.filter(isMeant).slice(3, 6).entries()) {
      const first = await simulate(core, 77 + mix, options)
      const again = await simulate(core, 77 + mix, options)
      expect(again).toEqual(first)
      const other = await simulate(core, 78 + mix, options)
      expect(other.log).not.toEqual(first.log)
    }
  })

  test.skipIf(replaySeed !== undefined || replayMix !== undefined)('they reach what the rules are for', () => {
    expect(mustReach.filter((what) => (reached[what] ?? 0) === 0)).toEqual([])
  })

  function replay(mix: number, seed: number): string {
    return `REPRISE_SIM_MIX=${mix} REPRISE_SIM_SEED=${seed} npx vitest run ${file}`
  }
}

async function play(options: SimulationOptions): Promise<CampaignResult> {
  if (replaySeed === undefined) return campaign(core, RUNS, FIRST_SEED, options)
  const {log} = await simulate(core, Number(replaySeed), options)
  process.stderr.write(`${log.join('\n')}\n`)
  return campaign(core, 1, Number(replaySeed), options)
}
