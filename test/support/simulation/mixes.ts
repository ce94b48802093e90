import type {SimulationOptions} from './world.js'

/** Who takes part, and how rough it gets: each mix reaches other corners. */
export const MIXES: readonly SimulationOptions[] = [
  {steps: 200},
  {steps: 300, adapters: 0, foreign: false, pushers: 1},
  {steps: 300, adapters: 1, pushers: 1, force: 0},
  {steps: 250, adapters: 0, foreign: false, pushers: 0, replace: false, force: 0.4, pace: 8, holders: 4},
  {steps: 250, adapters: 0, foreign: false, pushers: 1, force: 0.4, pace: 8},
  {steps: 300, adapters: 1, pushers: 1, force: 0.4, pace: 8, holders: 4},
  {steps: 300, adapters: 0, foreign: false, pushers: 0, replace: false, force: 0.3, pace: 6, holders: 4},
  {steps: 250, adapters: 1, pushers: 1, loseMetadata: true},
  {steps: 250, adapters: 0, foreign: false, pushers: 1, loseLeaseRecord: true, force: 0.2},
  {steps: 300, adapters: 0, foreign: false, pushers: 0, holders: 2, force: 0.5, pace: 2},
  {steps: 250, compactors: 2},
  {steps: 300, compactors: 2, adapters: 0, foreign: false, pushers: 0, replace: false, force: 0.4, pace: 8, holders: 4},
  {steps: 300, compactors: 2, adapters: 0, foreign: false, pushers: 1, force: 0.4, pace: 8},
  {steps: 300, compactors: 2, adapters: 1, pushers: 1, force: 0.4, pace: 8, holders: 4},
  {steps: 250, compactors: 2, adapters: 2, foreign: false, pushers: 2, holders: 1, force: 0, replace: false, pace: 2},
  {steps: 300, compactors: 2, doctors: 1, adapters: 1, pushers: 1, force: 0.2},
  {steps: 350, compactors: 2, doctors: 1, adapters: 0, foreign: false, pushers: 0, force: 0.4, pace: 8, holders: 3},
  {steps: 350, compactors: 2, doctors: 2, foreign: true, adapters: 1, pushers: 1, holders: 1, force: 0, pace: 6},
  {steps: 300, compactors: 2, doctors: 1, adapters: 0, foreign: false, pushers: 1, holders: 2, force: 0.1, pace: 2},
  {steps: 250, compactors: 1, doctors: 1, adapters: 1, pushers: 1, loseMetadata: true},
]
