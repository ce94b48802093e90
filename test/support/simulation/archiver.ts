import {Actor} from './actor.js'
import {REF, type World} from './world.js'

/** `compact --archive`, as its bytes are: packing them has no part in who wins. Now and then it puts back, as who is about to write. */
export class Archiver extends Actor {
  constructor(world: World, index: number) {
    super(world, 'Z', index)
  }

  get believed(): undefined {
    return undefined
  }

  act(): void {
    if (this.world.rng.chance(0.4)) this.#restore()
    else this.#archive()
  }

  #restore(): void {
    const {world} = this
    this.start(async () => {
      const context = this.context()
      const view = await world.core.viewTranscript(context.parts, REF)
      if (view.archived.length === 0) return
      await world.core.restoreArchive(context, view)
      world.count('restored')
    })
  }

  #archive(): void {
    const {world} = this
    const {core, rng, network} = world
    // What has its grace is deleted when the lease was given back.
    const grace = rng.pick([0, 0, rng.int(1, 90_000)])
    const pieceBytes = rng.pick([20, 50, 100, 1_000])
    this.start(async () => {
      const context = this.context()
      const pid = world.id()
      this.pid = pid
      const owner = {machine: this.name, boot: 'b', pidNamespace: 'n', pid, start: 's'}
      const table = new core.StoreLeaseTable(this.client)
      const isDead = ({pid: other}: {readonly pid: number}): boolean => world.dead.has(other)
      const lease = await core.SessionLease.acquire({...context, table, owner, isDead}, REF.sessionId)
      network.say(this.name, 'takes the lease to archive, epoch', lease.epoch)
      const transcript = new core.LeasedTranscript(context, lease, REF, {grace: 0})
      await transcript.settle()
      await transcript.tidy()
      const archived = await core.archiveTranscript(context, lease, REF, 'plain', pieceBytes)
      const remove = async (): Promise<void> => {
        if (!archived) return
        await this.client.delete(archived.stale)
        await this.client.delete(archived.displaced)
        network.say(this.name, 'has archived', archived.bytes, 'bytes')
        world.count('archived')
      }
      if (grace === 0) await remove()
      await lease.release()
      if (grace === 0) return
      await context.clock.sleep(grace)
      await remove()
    })
  }

  protected reset(): void {}
}
