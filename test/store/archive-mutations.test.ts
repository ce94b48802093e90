import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {ARCHIVE_MIXES, ARCHIVE_MUTATIONS} from '../support/simulation/archive-mixes.js'
import {buildSource} from '../support/simulation/build.js'
import {campaign} from '../support/simulation/campaign.js'
import {mutatedCore} from '../support/simulation/mutate.js'

/** A schedule moves with every change of the code. */
const NEIGHBOURS = 60

let build: string

beforeAll(async () => {
  build = await buildSource()
}, 60_000)

afterAll(async () => {
  await rm(build, {recursive: true, force: true})
})

test.each(ARCHIVE_MUTATIONS)(
  'without $rule: caught',
  async ({caughtBy: {mix, seed}, ...mutation}) => {
    const without = await mutatedCore(build, join(build, 'without', mutation.rule.replaceAll(/\W+/g, '-')), mutation)
    const {violations, runs} = await campaign(without, NEIGHBOURS, seed, ARCHIVE_MIXES[mix], true)
    expect(violations, `not caught in ${runs} schedules`).toHaveLength(1)
  },
  120_000,
)
