import {ARCHIVE_MIXES} from '../support/simulation/archive-mixes.js'
import {describeStoreSimulation} from '../support/simulation/store-suite.js'

describeStoreSimulation({
  name: 'simulation of archives',
  file: 'test/store/simulation-archive.test.ts',
  mixes: new Map(ARCHIVE_MIXES.entries()),
  runs: {short: 14, full: 6_700},
  mustReach: ['archived', 'restored', 'dozes', 'late twins', 'forks', 'merges'],
})
