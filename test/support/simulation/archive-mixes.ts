import type {Mutation} from './mutations.js'
import type {SimulationOptions} from './world.js'

/** Sessions that are packed away and put back while others read and write them, merge and mend. */
export const ARCHIVE_MIXES: readonly SimulationOptions[] = [
  {steps: 250, archivers: 2, adapters: 0, foreign: false, pushers: 0, holders: 1, force: 0.1, replace: false},
  {steps: 250, archivers: 2, adapters: 0, foreign: false, pushers: 2, holders: 0},
  {steps: 300, archivers: 2, adapters: 1, foreign: true, pushers: 1, holders: 1, force: 0.2},
  {steps: 300, archivers: 2, adapters: 0, foreign: false, pushers: 1, holders: 2, force: 0.4, pace: 8},
  {steps: 300, archivers: 3, compactors: 2, adapters: 0, foreign: false, pushers: 1, holders: 1, force: 0.2, pace: 2},
  {steps: 300, archivers: 2, compactors: 1, doctors: 1, adapters: 1, pushers: 1, holders: 1, force: 0.2, pace: 6},
]

const ARCHIVE = 'store/archive'

/** One rule of archives each, as in `MUTATIONS`. */
export const ARCHIVE_MUTATIONS: readonly (Omit<Mutation, 'caughtBy'> & {
  readonly caughtBy: {readonly mix: number; readonly seed: number}
})[] = [
  {
    rule: 'archive: no part covers its end',
    edits: [{file: ARCHIVE, find: 'if (lease.epoch < highest + 2)', replace: 'if (false)'}],
    caughtBy: {mix: 5, seed: 100_010},
  },
  {
    rule: 'archive: the pieces do not outrank the end',
    edits: [{file: ARCHIVE, find: 'epoch: lease.epoch - 1', replace: 'epoch: lease.epoch + 1'}],
    caughtBy: {mix: 5, seed: 100_010},
  },
  {
    rule: 'archive: what is put back is copied first',
    edits: [
      {
        file: 'store/restore-archive',
        find: "let reached = { to: 0, hash: createHash('sha256') };",
        replace:
          "let reached = { to: 0, hash: createHash('sha256') }; await parts.store.delete(view.archived.map(({ key }) => key));",
      },
    ],
    caughtBy: {mix: 0, seed: 100_000},
  },
]
