import {Actor} from './actor.js'
import {REF, type World} from './world.js'

/** Merges runs of parts without a lease, and finishes what others left. */
export class Compactor extends Actor {
  /** Kept from one look to the next: what it learned of a part stays true. */
  #context = this.context()

  constructor(world: World, index: number) {
    super(world, 'C', index)
  }

  get believed(): undefined {
    return undefined
  }

  act(): void {
    const {world} = this
    const {core, rng, network} = world
    const readLeaseEpoch = async () => (await new core.StoreLeaseTable(this.client).read(REF.sessionId))?.record.epoch
    const policy = {
      readLeaseEpoch,
      growth: rng.pick([1, 1.5, 2]),
      maxBytes: rng.pick([150, 400, 1_000, 100_000]),
      grace: 0,
    }
    const began = network.moment
    this.start(async () => {
      const done = await core.compactTranscript(this.#context, REF, policy)
      if (done.merged > 0) world.count('merges')
      if (done.merged === 0 && done.deleted > 0) world.count('leftovers')
      if (done.merged + done.deleted > 0) network.runs.ended(this.name, began)
    })
  }

  protected reset(): void {
    this.#context = this.context()
  }
}
