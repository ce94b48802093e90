/** For tests of programs and adapters: `reprise/testing`. Needs no test runner. */
export {
  type ConformanceCase,
  conformanceCases,
  type ConformanceTag,
  type ConformanceTarget,
} from './object-store/conformance.js'
export {
  type Fault,
  type FaultedCall,
  type FaultKind,
  type FaultPlan,
  scriptedFaults,
  type ScriptedFault,
  seededFaults,
  type SeededFaultsOptions,
} from './object-store/faults.js'
export {FaultyObjectStore, type FaultyOptions} from './object-store/faulty.js'
export {MemoryObjectStore} from './object-store/memory.js'
