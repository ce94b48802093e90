import {core} from './core.js'
import {simulate} from './simulate.js'
import {describeSimulation, type SimulationSuite} from './suite.js'
import type {SimulationOptions} from './world.js'

/** The store's own code under these mixes. */
export function describeStoreSimulation(
  suite: Pick<SimulationSuite<SimulationOptions>, 'name' | 'file' | 'mixes' | 'runs' | 'mustReach'>,
): void {
  describeSimulation({
    ...suite,
    promise: 'readers get everything that was acknowledged, once, and nothing of a fenced writer',
    simulate: async (seed, options) => simulate(core, seed, options),
  })
}
