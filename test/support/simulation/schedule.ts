import type {SimulatedWorld} from './simulated-world.js'
import {Violation} from './violation.js'

export interface Outcome {
  readonly violation?: string
  readonly step: number
  readonly stats: Readonly<Record<string, number>>
  readonly log: readonly string[]
}

/** Plays a schedule step by step, and what comes when everyone stops. A violation ends it. */
export async function playSchedule(
  world: SimulatedWorld,
  steps: number,
  play: () => Promise<void>,
  settle: () => Promise<void>,
): Promise<Outcome> {
  const {network} = world
  let step = 0
  const outcome = (): Outcome => ({step, stats: {...world.stats, ...network.stats}, log: network.log})
  try {
    for (; step < steps; step++) await play()
    await settle()
    return outcome()
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return {...outcome(), violation: error.message}
  }
}

export function throwIfBroken(each: readonly {readonly broken: string | undefined}[]): void {
  for (const {broken} of each) if (broken !== undefined) throw new Violation(broken)
}
