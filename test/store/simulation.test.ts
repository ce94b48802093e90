import {describeSimulation} from '../support/simulation/suite.js'

describeSimulation('test/store/simulation.test.ts', ({compactors = 0}) => compactors === 0, [
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
])
