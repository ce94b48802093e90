import type {Clock} from '../../src/base/clock.js'
import {systemRandom} from '../../src/base/system.js'

/** Time that passes only while somebody sleeps. */
export class SleepClock implements Clock {
  time = 1_000_000
  readonly slept: number[] = []

  now(): number {
    return this.time
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.slept.push(ms)
    this.time += ms
  }
}

/** Of every range the middle. */
export const halves = {...systemRandom, bytes: (count: number) => new Uint8Array(count).fill(0x80)}
