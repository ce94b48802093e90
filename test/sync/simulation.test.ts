import {afterAll, expect, test} from 'vitest'
import {campaignOf, type CampaignResult} from '../support/simulation/campaign.js'
import {SYNC_MIXES} from '../support/simulation/sync/mixes.js'
import {simulateSync} from '../support/simulation/sync/simulate.js'
import type {SyncOptions} from '../support/simulation/sync/world.js'

const {REPRISE_SIM_SEED: replaySeed, REPRISE_SIM_MIX: replayMix, FULL: full} = process.env
const FIRST_SEED = 1
const RUNS = full ? 1_000 : Number(process.env['REPRISE_SIM_RUNS'] ?? 4)
const mixes = SYNC_MIXES.map((options, mix) => ({mix, options})).filter(
  ({mix}) => replayMix === undefined || mix === Number(replayMix),
)

let schedules = 0
const reached: Record<string, number> = {}

afterAll(() => {
  process.stderr.write(`simulation of syncing: ${schedules} schedules of ${mixes.length} mixes\n`)
  if (process.env['REPRISE_SIM_STATS']) process.stderr.write(`${JSON.stringify(reached, null, 1)}\n`)
})

test.each(mixes)(
  'mix $mix: what was reported as stored stays with every reader, once, and files end equal',
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
  for (const [mix, options] of SYNC_MIXES.slice(1, 4).entries()) {
    const first = await simulateSync(77 + mix, options)
    const again = await simulateSync(77 + mix, options)
    expect(again).toEqual(first)
    const other = await simulateSync(78 + mix, options)
    expect(other.log).not.toEqual(first.log)
  }
})

test.skipIf(replaySeed !== undefined || replayMix !== undefined)('they reach what the layer is for', () => {
  const missing = [
    'adapter appends',
    'barriers',
    'crashes',
    'finished',
    'finished incomplete',
    'foreign',
    'journals confirmed',
    'late twins',
    'metadata lost',
    'pull: ahead',
    'pull: merged',
    'pull: pulled',
    'push: LEASE_HELD',
    'push: SESSION_DIVERGED',
    'push: behind',
    'push: merged',
    'push: pushed',
    'push: replaced',
    'push: unchanged',
    'requests landed',
    'requests late',
    'requests lost',
    'resumed',
    'resumed without a lease',
    'rewrites',
    'status: stored',
    'status: unassured',
    'status: unstored',
    'torn',
  ].filter((what) => (reached[what] ?? 0) === 0)
  expect(missing).toEqual([])
})

async function play(options: SyncOptions): Promise<CampaignResult> {
  if (replaySeed === undefined) return campaignOf((seed) => simulateSync(seed, options), RUNS, FIRST_SEED)
  const outcome = await simulateSync(Number(replaySeed), options)
  process.stderr.write(`${outcome.log.join('\n')}\n`)
  return campaignOf(async () => outcome, 1, Number(replaySeed))
}

function replay(mix: number, seed: number): string {
  return `REPRISE_SIM_MIX=${mix} REPRISE_SIM_SEED=${seed} npx vitest run test/sync/simulation.test.ts`
}
