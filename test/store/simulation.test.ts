import {MIXES} from '../support/simulation/mixes.js'
import {describeStoreSimulation} from '../support/simulation/store-suite.js'

describeStoreSimulation({
  name: 'simulation',
  file: 'test/store/simulation.test.ts',
  mixes: new Map([...MIXES.entries()].filter(([, {compactors = 0}]) => compactors === 0)),
  // Of 20 mixes in two files: 100,000 in the long run.
  runs: {short: 14, full: 5_000},
  mustReach: [
    'acknowledged',
    'adapter appends',
    'barriers',
    'fenced',
    'forks',
    'journals confirmed',
    'journals found open',
    'late twins',
    'loose',
    'pushes',
    'reference: exact',
    'replaces',
    'requests landed',
    'requests late',
    'requests lost',
    'swept',
  ],
})
