import {describe, test} from 'vitest'
import {systemClock} from '../../src/base/system.js'
import {conformanceCases, MemoryObjectStore} from '../../src/testing.js'

describe('the memory store', () => {
  for (const {name, run} of conformanceCases()) {
    test(name, async () => {
      const store = new MemoryObjectStore({clock: systemClock})
      await run({open: async () => store})
    })
  }
})
