import type {Random} from '../../../src/base/clock.js'
import type {Core} from './core.js'
import {LineMaker} from './lines.js'
import {Network} from './network.js'
import {Rng} from './rng.js'
import {SimClient} from './sim-client.js'

/** One store, a network in front of it, and the seed that everything is drawn from. */
export class SimulatedWorld {
  readonly rng: Rng
  readonly network: Network
  readonly lines = new LineMaker()
  readonly stats: Record<string, number> = {}
  readonly random: Random
  /** For checks: sees everything at once. */
  readonly oracle: InstanceType<Core['Parts']>
  #ids = 0

  constructor(core: Core, seed: number) {
    this.rng = new Rng(seed)
    this.network = new Network(core, this.rng)
    this.oracle = new core.Parts(this.network.memory)
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
}
