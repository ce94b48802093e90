import {randomBytes, randomUUID} from 'node:crypto'
import {setTimeout as delay} from 'node:timers/promises'
import type {Clock, Random} from './clock.js'

/** The machine's clock. Imported where adapters are built, never by core code. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, signal ? {signal} : {})
  },
}

/** The machine's randomness. Imported where adapters are built, never by core code. */
export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID(),
}
