import type {Core} from './core.js'
import type {Outcome} from './schedule.js'
import {simulate} from './simulate.js'
import type {SimulationOptions} from './world.js'

export interface CampaignResult {
  readonly runs: number
  readonly stats: Readonly<Record<string, number>>
  /** The shortest schedule for each kind of violation. */
  readonly violations: readonly {
    readonly kind: string
    readonly seed: number
    readonly step: number
    readonly text: string
  }[]
}

/** Plays `runs` schedules of the store, one seed each from `first` on. */
export async function campaign(
  core: Core,
  runs: number,
  first: number,
  options: SimulationOptions = {},
  stopAtFirst = false,
): Promise<CampaignResult> {
  return campaignOf((seed) => simulate(core, seed, options), runs, first, stopAtFirst)
}

export async function campaignOf(
  play: (seed: number) => Promise<Outcome>,
  runs: number,
  first: number,
  stopAtFirst = false,
): Promise<CampaignResult> {
  const stats: Record<string, number> = {}
  const found = new Map<string, CampaignResult['violations'][number]>()
  let played = 0
  for (let seed = first; seed < first + runs; seed++) {
    const outcome = await play(seed)
    played++
    for (const [what, count] of Object.entries(outcome.stats)) stats[what] = (stats[what] ?? 0) + count
    if (outcome.violation === undefined) continue
    const kind = outcome.violation.split('[')[0]!.split('{')[0]!.trim()
    const known = found.get(kind)
    if (!known || outcome.step < known.step) found.set(kind, {kind, seed, step: outcome.step, text: outcome.violation})
    if (stopAtFirst) break
  }
  return {runs: played, stats, violations: [...found.values()]}
}
