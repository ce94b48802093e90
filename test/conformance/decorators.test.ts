import {systemClock, systemRandom} from '../../src/base/system.js'
import {MeteredObjectStore} from '../../src/object-store/metered.js'
import {RetryingObjectStore} from '../../src/object-store/retrying.js'
import {type FaultKind, FaultyObjectStore, MemoryObjectStore, scriptedFaults, seededFaults} from '../../src/testing.js'
import {describeStore} from './run.js'

describeStore('a metered store', async () => {
  const store = new MeteredObjectStore(new MemoryObjectStore({clock: systemClock}), {clock: systemClock})
  return {open: async () => store}
})

describeStore('a faulty store without faults', async () => {
  const memory = new MemoryObjectStore({clock: systemClock})
  const store = new FaultyObjectStore(memory, {clock: systemClock, plan: scriptedFaults([])})
  return {open: async () => store}
})

describeStore('a retrying store', async () => {
  const memory = new MemoryObjectStore({clock: systemClock})
  const options = {clock: systemClock, random: systemRandom, timeoutMs: 20_000}
  return {open: async () => new RetryingObjectStore(memory, options)}
})

// Faults after which nothing can have been written, so that every case must still come out exactly.
const HARMLESS: readonly FaultKind[] = ['fail-before', 'delay', 'reset', '409', '429', '500', '503']

describeStore('a retrying store over faults of seed 7', async () => {
  const memory = new MemoryObjectStore({clock: systemClock})
  const plan = seededFaults({seed: 7, rate: 0.1, kinds: HARMLESS, maxDelayMs: 2})
  const faulty = new FaultyObjectStore(memory, {clock: systemClock, plan})
  const options = {clock: systemClock, random: systemRandom, attempts: 12, baseMs: 1, maxMs: 4}
  return {open: async () => new RetryingObjectStore(faulty, options)}
})
