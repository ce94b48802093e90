import {homeKeyOf} from '../../../../src/store/names.js'
import {collect} from '../collect.js'
import {core} from '../core.js'
import {SimulatedWorld} from '../simulated-world.js'
import type {Machine} from './machine.js'

export const SESSION = '11111111-2222-4333-8444-555555555555'

export interface SyncOptions {
  readonly steps?: number
  readonly workers?: number
  /** How often a worker takes a held lease over by force. */
  readonly force?: number
  /** Which of a worker's activities are more or less frequent than usual: 0 is never. */
  readonly edits?: number
  readonly pushes?: number
  readonly pulls?: number
  readonly resumes?: number
  /** The share of resumed sessions that are followed without a lease. */
  readonly leaseless?: number
  /** Writers of the reference layout: loose parts. */
  readonly foreign?: boolean
  /** SDK adapters without a lease. */
  readonly adapters?: boolean
  /** Claude removes or changes lines. */
  readonly rewrites?: boolean
  /** Copies of the bucket that drop metadata. */
  readonly loseMetadata?: boolean
  readonly loseLeaseRecord?: boolean
  /** Seconds that a step takes at most. */
  readonly pace?: number
}

/** What the outside knows: which entries somebody was told are stored. Entries by their identity. */
export class SyncLedger {
  readonly acked = new Set<string>()
  /** Removed by a claude on purpose: may be there or not. */
  readonly limbo = new Set<string>()
  metadataLost = false

  acknowledge(keys: Iterable<string>): void {
    for (const key of keys) this.acked.add(key)
  }

  /** Promised, and not taken back. */
  get owed(): string[] {
    return [...this.acked].filter((key) => !this.limbo.has(key))
  }
}

export class SyncWorld extends SimulatedWorld {
  readonly ledger = new SyncLedger()
  /** Below it each worker has its disk. */
  readonly root: string
  /** Where somebody works on the session; how often somebody does so elsewhere, on a copy that may be out of date. */
  turn: Machine | undefined
  readonly rivalry: number

  constructor(seed: number, root: string) {
    super(core, seed)
    this.root = root
    this.rivalry = this.rng.pick([0, 0.05, 0.5])
  }

  /** Where the session lies, once somebody has put that on record. */
  async ref(): Promise<{homeKey: string; sessionId: string} | undefined> {
    const found = await this.network.memory.get(homeKeyOf(SESSION)).catch(() => undefined)
    if (!found) return undefined
    return {homeKey: (await collect(found.body)).toString().trim(), sessionId: SESSION}
  }
}

/**
 * Lets everything run that does not wait for the schedule: the calls to the file system too, which end when they end. The schedule
 * wakes one process at a time, so that their order among each other does not matter.
 */
export async function untilQuiet(): Promise<void> {
  for (let calm = 0, rounds = 1; calm < 3; rounds++) {
    await new Promise((resolve) => setImmediate(resolve))
    const works = process.getActiveResourcesInfo().some((name) => /^FSReq|CloseReq$/.test(name))
    calm = works ? 0 : calm + 1
    // Lets the threads have the processor that do the work.
    if (works && rounds % 64 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
