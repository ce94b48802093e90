import type {SyncOptions} from './world.js'

/** Who takes part, and how rough it gets: each mix reaches other corners. */
export const SYNC_MIXES: readonly SyncOptions[] = [
  {steps: 250},
  {steps: 250, resumes: 0, workers: 2},
  {steps: 250, resumes: 4, pushes: 0.3, force: 0.4, pace: 6, adapters: true},
  {steps: 250, rewrites: false},
  {steps: 250, foreign: true, adapters: true, resumes: 3},
  {steps: 250, loseMetadata: true},
  {steps: 250, loseLeaseRecord: true, resumes: 2},
  {steps: 250, workers: 2, resumes: 3, force: 0.3, pace: 8},
  {steps: 250, workers: 2, resumes: 3, leaseless: 0.6},
]
