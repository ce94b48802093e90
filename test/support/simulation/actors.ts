import type {Core} from './core.js'
import {encode, isBookkeeping, type LineText} from './lines.js'
import {codeOf, type SimClient} from './network.js'
import {deliveredLines} from './checks.js'
import {digestOf, REF, type SimulationOptions, Violation, type World} from './world.js'

/** Rejections that a caller expects: it starts over, or goes on. */
const EXPECTED = new Set([
  'STORE_UNREACHABLE',
  'LEASE_HELD',
  'LEASE_LOST',
  'LEASE_CONTENDED',
  'OBJECT_NOT_FOUND',
  'OBJECT_CHANGED',
  'TRANSCRIPT_BUSY',
])

export abstract class Actor {
  busy = false
  broken: string | undefined
  client: SimClient
  protected readonly world: World
  protected readonly name: string
  readonly #index: number

  constructor(world: World, name: string, index: number) {
    this.world = world
    this.#index = index
    this.name = `${name}${index}`
    this.client = world.client(this.name)
  }

  /** What this actor believes to be stored, when it believes it. */
  abstract get believed(): readonly LineText[] | undefined

  abstract act(): void

  protected abstract reset(): void

  crash(): void {
    this.world.network.say(this.name, 'crashes')
    this.client.dead = true
    this.client = this.world.client(this.name)
    this.busy = false
    this.reset()
  }

  protected context() {
    const {world, client} = this
    const skew = this.#index % 2 === 1 ? -world.rng.int(0, 80_000) : 0
    return {parts: new world.core.Parts(client), clock: client.clock(skew), random: world.random, machine: this.name}
  }

  /** Runs an operation; what it waits for is decided by the schedule. */
  protected start(work: (still: () => boolean) => Promise<void>): void {
    const {client} = this
    const still = (): boolean => this.client === client
    this.busy = true
    const finished = (): void => {
      if (still()) this.busy = false
    }
    const failed = (error: unknown): void => {
      if (!still()) return
      this.busy = false
      if (error instanceof Violation) this.broken = error.message
      else if (EXPECTED.has(codeOf(error))) this.failed(codeOf(error))
      else this.broken = `${this.name} fails: ${codeOf(error)} ${error instanceof Error ? (error.stack ?? '') : ''}`
    }
    void work(still).then(finished, failed)
  }

  protected failed(code: string): void {
    this.world.network.say(this.name, 'meets', code)
    this.reset()
  }
}

type Leased = InstanceType<Core['LeasedTranscript']>
type Lease = Awaited<ReturnType<Core['SessionLease']['acquire']>>

/** Holds the lease: appends, rebases, reports, sweeps, releases. */
export class Holder extends Actor {
  #held: {lease: Lease; transcript: Leased; pid: number; known: Set<string>} | undefined
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

  #append({transcript, lease}: NonNullable<Holder['_']>): void {
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

  #report({transcript}: NonNullable<Holder['_']>): void {
    this.start(async (still) => {
      await transcript.assure()
      const run = this.#run()
      if (still() && run) await this.#acknowledge(run, false)
    })
  }

  #release({lease, transcript}: NonNullable<Holder['_']>): void {
    this.start(async (still) => {
      await transcript.tidy()
      if (still()) this.#held = undefined
      await lease.release()
      this.world.network.say(this.name, 'releases')
    })
  }

  #sweep({transcript}: NonNullable<Holder['_']>): void {
    this.start(async () => {
      const swept = await transcript.sweep()
      if (swept > 0) this.world.count('swept')
    })
  }

  /** The local file lost a line, and may have got another: the stored transcript follows it. */
  #replace({transcript, lease, pid, known}: NonNullable<Holder['_']>): void {
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
      const target = {
        length: whole.length,
        async *read(start: number, end: number) {
          yield whole.subarray(start, end)
        },
      }
      await transcript.rebase(target, {held: (identity) => known.has(identity)})
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

  /** Only for the types of the methods above. */
  declare readonly _: {lease: Lease; transcript: Leased; pid: number; known: Set<string>} | undefined
}

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

/** An SDK adapter without a lease: loads, then appends without looking again. */
export class Adapter extends Actor {
  #state:
    | {context: ReturnType<Actor['context']>; run: LineText[]; point: ReturnType<Core['appendPoint']>; lastMs: number}
    | undefined

  constructor(world: World, index: number) {
    super(world, 'A', index)
  }

  get believed(): undefined {
    return undefined
  }

  act(): void {
    const {rng} = this.world
    if (!this.#state) {
      if (rng.chance(0.3)) this.#load()
    } else if (rng.chance(0.1)) this.#state = undefined
    else this.#append(this.#state)
  }

  #load(): void {
    this.start(async (still) => {
      const {core} = this.world
      const context = this.context()
      const view = await core.viewTranscript(context.parts, REF)
      const run = await deliveredLines(this.world, view, this.client)
      if (still()) this.#state = {context, run, point: core.appendPoint(view), lastMs: core.lastMs(view.listing)}
    })
  }

  #append(state: NonNullable<Adapter['_']>): void {
    const {world} = this
    const {core, ledger, lines, rng, network} = world
    this.start(async (still) => {
      const line = lines.fresh(rng.chance(0.25))
      ledger.wrote([line], null)
      network.say(this.name, 'appends', line.trim())
      if (state.point) {
        const run = [...state.run, line]
        const whole = encode(run)
        ledger.chains.set(digestOf(whole), run)
        const tail = {to: whole.length, after: digestOf(whole), entries: 1, body: encode([line])}
        const written = await core.appendUnleased(state.context, REF, state.point, tail)
        if (still()) this.#state = {...state, run, point: core.pointAfter(written)}
      } else {
        const written = await core.writeLoose(state.context, REF, encode([line]), state.lastMs)
        if (still()) this.#state = {...state, lastMs: written.ms}
      }
      world.count('adapter appends')
      if (still()) ledger.acked.add(line)
    })
  }

  protected reset(): void {
    this.#state = undefined
  }

  declare readonly _: Adapter['_state']
  declare readonly _state:
    | {context: ReturnType<Actor['context']>; run: LineText[]; point: ReturnType<Core['appendPoint']>; lastMs: number}
    | undefined
}

function identityOf(core: Core, line: LineText): string {
  return core.entryIdentity(Buffer.from(line)).key
}
