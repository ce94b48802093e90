import {afterAll, expect, test} from 'vitest'
import {campaignOf, type CampaignResult} from './campaign.js'
import type {Outcome} from './schedule.js'

const {REPRISE_SIM_SEED: replaySeed, REPRISE_SIM_MIX: replayMix, REPRISE_SIM_RUNS: runs, FULL: full} = process.env
const FIRST_SEED = 1

export interface SimulationSuite<Options> {
  /** As the report calls it. */
  readonly name: string
  /** That a violation names for its replay. */
  readonly file: string
  readonly promise: string
  /** By the numbers that a replay asks for. */
  readonly mixes: ReadonlyMap<number, Options>
  /** Schedules of each mix. */
  readonly runs: {readonly short: number; readonly full: number}
  /** What all mixes together must have come upon. */
  readonly mustReach: readonly string[]
  readonly simulate: (seed: number, options: Options) => Promise<Outcome>
}

/** Plays schedules of each mix, and asks that they reach what the rules are for. */
export function describeSimulation<Options>(suite: SimulationSuite<Options>): void {
  const {name, file, promise, mixes, mustReach, simulate} = suite
  const count = full ? suite.runs.full : Number(runs ?? suite.runs.short)
  const meant = [...mixes]
    .map(([mix, options]) => ({mix, options}))
    .filter(({mix}) => replayMix === undefined || mix === Number(replayMix))
  let schedules = 0
  const reached: Record<string, number> = {}

  afterAll(() => {
    process.stderr.write(`${name}: ${schedules} schedules of ${meant.length} mixes\n`)
    if (process.env['REPRISE_SIM_STATS']) process.stderr.write(`${JSON.stringify(reached, null, 1)}\n`)
  })

  test.each(meant)(
    `mix $mix: ${promise}`,
    async ({mix, options}) => {
      const result = await play(options)
      schedules += result.runs
      for (const [what, times] of Object.entries(result.stats)) reached[what] = (reached[what] ?? 0) + times
      const told = result.violations.map((found) => `${found.text} (step ${found.step}): ${replay(mix, found.seed)}`)
      expect(told).toEqual([])
      expect(result.stats['parts']).toBeGreaterThan(0)
    },
    full || runs !== undefined ? 7_200_000 : 600_000,
  )

  test('one seed is one schedule', async () => {
    for (const [mix, options] of [...mixes].slice(1, 6)) {
      const first = await simulate(77 + mix, options)
      const again = await simulate(77 + mix, options)
      expect(again).toEqual(first)
      const other = await simulate(78 + mix, options)
      expect(other.log).not.toEqual(first.log)
    }
  })

  test.skipIf(replaySeed !== undefined || replayMix !== undefined)('they reach what the rules are for', () => {
    expect(mustReach.filter((what) => (reached[what] ?? 0) === 0)).toEqual([])
  })

  async function play(options: Options): Promise<CampaignResult> {
    if (replaySeed === undefined) return campaignOf(async (seed) => simulate(seed, options), count, FIRST_SEED)
    const outcome = await simulate(Number(replaySeed), options)
    process.stderr.write(`${outcome.log.join('\n')}\n`)
    return campaignOf(async () => outcome, 1, Number(replaySeed))
  }

  function replay(mix: number, seed: number): string {
    return `REPRISE_SIM_MIX=${mix} REPRISE_SIM_SEED=${seed} npx vitest run ${file}`
  }
}
