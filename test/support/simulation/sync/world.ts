import type {Random} from '../../../../src/base/clock.js'
import {homeKeyOf} from '../../../../src/store/names.js'
import {Parts} from '../../../../src/store/parts.js'
import {core} from '../core.js'
import {LineMaker} from '../lines.js'
import {Network, SimClient} from '../network.js'
import {Rng} from '../rng.js'
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

export class SyncWorld {
  readonly rng: Rng
  readonly network: Network
  readonly lines = new LineMaker()
  readonly ledger = new SyncLedger()
  readonly stats: Record<string, number> = {}
  /** Below it each worker has its disk. */
  readonly root: string
  readonly random: Random
  /** For checks: sees everything at once. */
  readonly oracle: Parts
  /** Where somebody works on the session; how often somebody does so elsewhere, on a copy that may be out of date. */
  turn: Machine | undefined
  readonly rivalry: number
  #ids = 0

  constructor(seed: number, root: string) {
    this.rng = new Rng(seed)
    this.root = root
    this.rivalry = this.rng.pick([0, 0.05, 0.5])
    this.network = new Network(core, this.rng)
    this.oracle = new Parts(this.network.memory)
    this.random = {
      bytes: (count) => Uint8Array.from({length: count}, () => this.rng.int(0, 255)),
      uuid: () => '00000000-0000-4000-8000-000000000000',
    }
  }

  id(): number {
    return ++this.#ids
  }

  count(what: string): void {
    this.stats[what] = (this.stats[what] ?? 0) + 1
  }

  client(name: string): SimClient {
    return new SimClient(name, this.network)
  }

  /** Where the session lies, once somebody has put that on record. */
  async ref(): Promise<{homeKey: string; sessionId: string} | undefined> {
    const found = await this.network.memory.get(homeKeyOf(SESSION)).catch(() => undefined)
    if (!found) return undefined
    const chunks: Uint8Array[] = []
    for await (const chunk of found.body) chunks.push(chunk)
    return {homeKey: Buffer.concat(chunks).toString().trim(), sessionId: SESSION}
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
