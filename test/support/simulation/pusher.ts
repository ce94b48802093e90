import {Actor} from './actor.js'
import {deliveredLines} from './checks.js'
import {encode, type LineText} from './lines.js'
import {digestOf, REF, type World} from './world.js'

/** `push` without a lease: looks whether someone holds it, then extends the chain. */
export class Pusher extends Actor {
  #local: LineText[] = []

  constructor(world: World, index: number) {
    super(world, 'U', index)
  }

  get believed(): readonly LineText[] {
    return this.#local
  }

  act(): void {
    const {rng, lines} = this.world
    const dice = rng.next()
    if (dice < 0.3) this.#pull()
    else if (dice < 0.6) this.#local.push(lines.fresh(rng.chance(0.25)))
    else this.#push()
  }

  #pull(): void {
    this.start(async (still) => {
      const {core} = this.world
      const view = await core.viewTranscript(this.context().parts, REF)
      const lines = await deliveredLines(this.world, view, this.client)
      if (still()) this.#local = lines
    })
  }

  #push(): void {
    const {world} = this
    const {core, ledger, network} = world
    this.start(async (still) => {
      const context = this.context()
      const view = await core.viewTranscript(context.parts, REF)
      const point = core.appendPoint(view)
      const local = this.#local
      const whole = encode(local)
      if (!point || whole.length <= point.length || digestOf(whole.subarray(0, point.length)) !== point.digest) return
      const body = whole.subarray(point.length)
      const record = await new core.StoreLeaseTable(this.client).read(REF.sessionId)
      if (record && !record.record.released && record.record.expiry > record.date) return
      const stamp = record ? point : {...point, epoch: 0, gen: 0}
      const added = Buffer.from(body)
        .toString()
        .split(/(?<=\n)/)
      ledger.wrote(added, null)
      ledger.chains.set(digestOf(whole), [...local])
      network.say(this.name, 'pushes', added.join('').replaceAll('\n', ' '))
      await core.appendUnleased(context, REF, stamp, {
        to: whole.length,
        after: digestOf(whole),
        entries: added.length,
        body,
      })
      world.count('pushes')
      if (still()) for (const line of added) ledger.acked.add(line)
    })
  }

  protected reset(): void {}
}
