import {MIXES} from '../support/simulation/mixes.js'
import {describeStoreSimulation} from '../support/simulation/store-suite.js'

// In a file of its own: two files are played at a time.
describeStoreSimulation({
  name: 'simulation of compaction',
  file: 'test/store/simulation-compaction.test.ts',
  mixes: new Map([...MIXES.entries()].filter(([, {compactors = 0}]) => compactors > 0)),
  // Of 20 mixes in two files: 100,000 in the long run.
  runs: {short: 14, full: 5_000},
  mustReach: [
    'C slept through C',
    'acknowledged',
    'adapter appends',
    'barriers',
    'compacted: adopted',
    'compacted: compacted',
    'dozes',
    'fenced',
    'forks',
    'journals confirmed',
    'late twins',
    'leftovers',
    'loose',
    'mended: fenced-parts',
    'mended: lease-dead',
    'mended: merge-interrupted',
    'merges',
    'pushes',
    'reference: doubles',
    'reference: exact',
    'replaces',
    'requests landed',
    'requests late',
    'requests lost',
    'swept',
  ],
})
