/** For tests of programs and adapters: `reprise/testing`. Needs no test runner. */
export {
  type ConformanceCase,
  conformanceCases,
  type ConformanceTag,
  type ConformanceTarget,
} from './object-store/conformance.js'
export {MemoryObjectStore} from './object-store/memory.js'
