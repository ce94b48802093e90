import {systemClock} from '../../src/base/system.js'
import {MemoryObjectStore} from '../../src/testing.js'
import {describeStore} from './run.js'

describeStore('the memory store', async () => {
  const store = new MemoryObjectStore({clock: systemClock})
  return {open: async () => store}
})
