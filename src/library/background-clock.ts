import {setTimeout as delay} from 'node:timers/promises'
import type {Clock} from '../base/clock.js'
import {systemClock} from '../base/system.js'

/** The machine's clock, with sleeps that do not keep the program alive. */
export const backgroundClock: Clock = {
  now: () => systemClock.now(),
  async sleep(ms, signal) {
    await delay(ms, undefined, {ref: false, ...(signal && {signal})})
  },
}
