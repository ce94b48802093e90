import {expect, test} from 'vitest'
import {ARCHIVE_MIXES} from '../support/simulation/archive-mixes.js'
import {campaign} from '../support/simulation/campaign.js'
import {core} from '../support/simulation/core.js'
import {simulate} from '../support/simulation/simulate.js'

const {REPRISE_SIM_SEED: replaySeed, REPRISE_SIM_MIX: replayMix, FULL: full} = process.env
const RUNS = full ? 6_700 : Number(process.env['REPRISE_SIM_RUNS'] ?? 14)

const mixes = ARCHIVE_MIXES.map((options, mix) => ({mix, options})).filter(
  ({mix}) => replayMix === undefined || mix === Number(replayMix),
)
const reached: Record<string, number> = {}

test.each(mixes)(
  'archives, mix $mix: readers get everything that was acknowledged, once',
  async ({mix, options}) => {
    if (replaySeed !== undefined) {
      const {log} = await simulate(core, Number(replaySeed), options)
      process.stderr.write(`${log.join('\n')}\n`)
    }
    const result = await campaign(core, replaySeed === undefined ? RUNS : 1, Number(replaySeed ?? 1), options)
    for (const [what, times] of Object.entries(result.stats)) reached[what] = (reached[what] ?? 0) + times
    const command = `REPRISE_SIM_MIX=${mix} npx vitest run test/store/simulation-archive.test.ts`
    const told = result.violations.map(
      ({text, step, seed}) => `${text} (step ${step}): REPRISE_SIM_SEED=${seed} ${command}`,
    )
    expect(told).toEqual([])
  },
  full ? 7_200_000 : 600_000,
)

test.skipIf(replaySeed !== undefined || replayMix !== undefined)('they are packed away and put back', () => {
  const missing = ['archived', 'restored', 'dozes', 'late twins', 'forks', 'merges'].filter((what) => !reached[what])
  expect(missing).toEqual([])
})
