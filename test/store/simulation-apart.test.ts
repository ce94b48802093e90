import {rm} from 'node:fs/promises'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, test} from 'vitest'
import {buildSource} from '../support/simulation/build.js'
import {campaign} from '../support/simulation/campaign.js'
import {type Core, core} from '../support/simulation/core.js'
import {mutatedCore} from '../support/simulation/mutate.js'
import type {Edit} from '../support/simulation/mutations.js'
import type {SimulationOptions} from '../support/simulation/world.js'

const HOURS = 3_600_000
const RUNS = Number(process.env['REPRISE_SIM_RUNS'] ?? 14)
/** Holders that are taken over again and again, alone and beside writers without a lease. */
const MIXES: readonly SimulationOptions[] = [
  {steps: 200},
  {steps: 250, adapters: 0, foreign: false, pushers: 0, replace: false, force: 0.4, pace: 8, holders: 4},
  {steps: 300, adapters: 1, pushers: 1, force: 0.4, pace: 8, holders: 4},
  {steps: 250, adapters: 0, foreign: false, pushers: 1, loseLeaseRecord: true, force: 0.2},
]

/** The same code over a lease table in another service: hours after what the parts' dates say, a lease is far from its end. */
function apart(of: Core): Core {
  class TableElsewhere extends of.StoreLeaseTable {
    override readonly sharesClockWithParts = false
  }
  const acquire: Core['SessionLease']['acquire'] = async (...args) => {
    const lease = await of.SessionLease.acquire(...args)
    const confirm = lease.confirm.bind(lease)
    return Object.assign(lease, {confirm: async (date: number) => confirm(date - 10 * HOURS)})
  }
  return {...of, StoreLeaseTable: TableElsewhere, SessionLease: {acquire} as Core['SessionLease']}
}

describe('leases in another service than the parts', () => {
  test.each(MIXES.map((options, mix) => ({mix, options})))(
    'mix $mix: readers get everything that was acknowledged, once, and nothing of a fenced writer',
    async ({options}) => {
      const {violations, stats} = await campaign(apart(core), RUNS, 1, options)
      expect(violations).toEqual([])
      expect(stats['acknowledged']).toBeGreaterThan(0)
    },
    600_000,
  )
})

describe('without a rule', () => {
  let build: string
  beforeAll(async () => {
    build = await buildSource()
  }, 60_000)
  afterAll(async () => {
    await rm(build, {recursive: true, force: true})
  })

  const file = 'registry/session-lease'
  test.each<[string, Edit]>([
    [
      'dates of two services are never compared',
      {file, find: 'this.#context.table.sharesClockWithParts && date + LEASE', replace: 'date + LEASE'},
    ],
    [
      'a renewal serves those alone who asked before it was sent',
      {file, find: 'this.#coming = undefined;', replace: ''},
    ],
  ])(
    '%s: caught',
    async (rule, edit) => {
      const without = await mutatedCore(build, join(build, 'without', rule.replaceAll(/\W+/g, '-')), {
        rule,
        edits: [edit],
      })
      const {violations} = await campaign(apart(without), 60, 1, MIXES[0], true)
      expect(violations).toHaveLength(1)
    },
    120_000,
  )
})
