import {Actor} from './actor.js'
import {deliveredLines} from './checks.js'
import {transcriptOf} from './collect.js'
import type {Core} from './core.js'
import {encode, isBookkeeping, type LineText} from './lines.js'
import {Violation} from './violation.js'
import {digestOf, REF, type SimulationOptions, type World} from './world.js'

interface Held {
  readonly lease: Awaited<ReturnType<Core['SessionLease']['acquire']>>
  readonly transcript: InstanceType<Core['LeasedTranscript']>
  readonly pid: number
  /** Entries that its file has held, by identity. */
  readonly known: Set<string>
}

/** Holds the lease: appends, rebases, reports, sweeps, releases. */
export class Holder extends Actor {
  #held: Held | undefined
  readonly #options: SimulationOptions

  constructor(world: World, index: number, options: SimulationOptions) {
    super(world, 'H', index)
    this.#options = options
  }

  get ready(): boolean {
    return this.#held !== undefined
  }

  get believed(): readonly LineText[] | undefined {
    return this.#run()
  }

  act(): void {
    const {rng} = this.world
    const held = this.#held
    if (!held) {
      this.takeOver()
      return
    }
    const dice = rng.next()
    if (dice < 0.12) this.start(() => held.lease.renew())
    else if (dice < 0.2) this.#report(held)
    else if (dice < 0.28) this.#release(held)
    else if (dice < 0.38 && this.#options.replace !== false) this.#replace(held)
    else if (dice < 0.46 && this.#options.sweep !== false) this.#sweep(held)
    else if (dice < 0.5) this.start(() => held.transcript.tidy())
    else this.#append(held)
  }

  takeOver(): void {
    const {world} = this
    const {core, rng, network} = world
    this.start(async (still) => {
      const context = this.context()
      const pid = world.id()
      this.pid = pid
      const owner = {machine: this.name, boot: 'b', pidNamespace: 'n', pid, start: 's'}
      const found = await new core.StoreLeaseTable(this.client).read(REF.sessionId)
      const free = !found || found.record.released || found.record.expiry <= found.date
      const force = !free && rng.chance(this.#options.force ?? 0.1)
      if (!free && !force) return
      const table = new core.StoreLeaseTable(this.client)
      const lease = await core.SessionLease.acquire({...context, table, owner}, REF.sessionId, {force})
      network.say(this.name, 'takes the lease, epoch', lease.epoch, 'cut off', lease.cutOff)
      const transcript = new core.LeasedTranscript(context, lease, REF, {grace: 0})
      if (!still()) return
      this.#held = {lease, transcript, pid, known: new Set()}
      await transcript.settle()
      if (!still()) return
      this.#knows()
      network.say(this.name, 'is ready at', transcript.end.length, 'epoch', lease.epoch)
    })
  }

  #append({transcript, lease}: Held): void {
    const {world} = this
    const {rng, ledger, lines, network} = world
    this.start(async (still) => {
      if (!this.#run()) await transcript.settle()
      const run = this.#run()
      if (!run) return
      const added = Array.from({length: rng.int(1, 2)}, () => lines.fresh(rng.chance(0.25)))
      const all = [...run, ...added]
      const whole = encode(all)
      const body = encode(added)
      ledger.wrote(added, lease.epoch)
      ledger.chains.set(digestOf(whole), all)
      network.say(this.name, 'appends', added.join('').trim())
      await transcript.append({to: whole.length, after: digestOf(whole), entries: added.length, body})
      if (still()) await this.#acknowledge(added)
    })
  }

  #report({transcript}: Held): void {
    this.start(async (still) => {
      await transcript.assure()
      const run = this.#run()
      if (still() && run) await this.#acknowledge(run, false)
    })
  }

  #release({lease, transcript}: Held): void {
    this.start(async (still) => {
      await transcript.tidy()
      if (still()) this.#held = undefined
      await lease.release()
      this.world.network.say(this.name, 'releases')
    })
  }

  #sweep({transcript}: Held): void {
    this.start(async () => {
      const swept = await transcript.sweep()
      if (swept > 0) this.world.count('swept')
    })
  }

  /** The local file lost a line, and may have got another: the stored transcript follows it. */
  #replace({transcript, lease, pid, known}: Held): void {
    const {world} = this
    const {rng, ledger, lines, network, core} = world
    this.start(async (still) => {
      await transcript.assure()
      const run = this.#run()
      if (!run || run.length < 2) return
      const dropped = rng.int(0, run.length - 1)
      const drop = run[dropped]!
      let next = run.filter((_, index) => index !== dropped)
      if (rng.chance(0.5)) {
        const at = rng.int(0, dropped)
        const fresh = lines.fresh(false)
        next = [...next.slice(0, at), fresh, ...next.slice(at)]
        ledger.wrote([fresh], lease.epoch)
      }
      for (const line of run) known.add(identityOf(core, line))
      for (const line of next) known.add(identityOf(core, line))
      ledger.limbo.add(drop)
      const whole = encode(next)
      ledger.chains.set(digestOf(whole), next)
      network.say(this.name, 'drops', drop.trim(), 'leaving', next.join('').replaceAll('\n', ' '))
      await transcript.rebase(transcriptOf(whole), {held: (identity) => known.has(identity)})
      if (!still()) return
      world.count('replaces')
      await this.#acknowledge(next)
      await this.#droppedIsGone(drop, pid)
    })
  }

  async #droppedIsGone(drop: LineText, pid: number): Promise<void> {
    const {world} = this
    if (isBookkeeping(drop) || world.ledger.metadataLost) return
    const record = await new world.core.StoreLeaseTable(world.network.memory).read(REF.sessionId)
    if (record?.record.owner.pid !== pid) return
    const view = await world.core.viewTranscript(world.oracle, REF)
    if (!(await deliveredLines(world, view)).includes(drop)) return
    if (world.ledger.origin.get(drop) === null) return
    throw new Violation(`a replace left the line it dropped ${drop.trim()}`)
  }

  /** @param wrote the lines were written now: from here on no older epoch may get a word in between. */
  async #acknowledge(lines: readonly LineText[], wrote = true): Promise<void> {
    const {world} = this
    const {ledger} = world
    const held = this.#held
    if (!held) return
    const record = await new world.core.StoreLeaseTable(world.network.memory).read(REF.sessionId)
    const current = record?.record.owner.pid === held.pid
    const into = !current && world.network.robbed.has(held.pid) ? ledger.cut : ledger.acked
    for (const line of lines) if (!ledger.acked.has(line)) into.add(line)
    this.#knows()
    const run = this.#run()
    const own = lines.some((line) => !isBookkeeping(line))
    if (wrote && current && run && own) ledger.newest = {epoch: held.lease.epoch, run: new Set(run)}
    world.count('acknowledged')
  }

  #run(): readonly LineText[] | undefined {
    try {
      const end = this.#held?.transcript.end
      return end && this.world.ledger.chains.get(end.digest)
    } catch {
      return undefined
    }
  }

  #knows(): void {
    for (const line of this.#run() ?? []) this.#held?.known.add(identityOf(this.world.core, line))
  }

  protected reset(): void {
    this.#held = undefined
  }

  protected override failed(code: string): void {
    this.world.network.say(this.name, 'meets', code)
    if (code !== 'STORE_UNREACHABLE' || this.world.rng.chance(0.2)) this.reset()
  }
}

function identityOf(core: Core, line: LineText): string {
  return core.entryIdentity(Buffer.from(line)).key
}
