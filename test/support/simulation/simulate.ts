import {createHash} from 'node:crypto'
import type {Random} from '../../../src/base/clock.js'
import {checkWorld} from './checks.js'
import type {Core} from './core.js'
import {Adapter, type Actor, Holder, Pusher} from './actors.js'
import {LineMaker, type LineText} from './lines.js'
import {Network, SimClient} from './network.js'
import {Rng} from './rng.js'

export interface SimulationOptions {
  readonly steps?: number
  /** How often a holder takes a held lease over by force. */
  readonly force?: number
  readonly holders?: number
  readonly pushers?: number
  readonly adapters?: number
  /** Writers of the reference layout: loose parts. */
  readonly foreign?: boolean
  /** Holders rebase to a local file that lost a line. */
  readonly replace?: boolean
  readonly sweep?: boolean
  /** Copies of the bucket that drop metadata. */
  readonly loseMetadata?: boolean
  readonly loseLeaseRecord?: boolean
  /** Seconds that a step takes at most. */
  readonly pace?: number
}

export class Violation extends Error {}

export const REF = {homeKey: '-home-a', sessionId: '11111111-2222-4333-8444-555555555555'}
export const PREFIX = `${REF.homeKey}/${REF.sessionId}/`

/** What the outside knows: who was promised what. */
export class Ledger {
  /** Reported as stored, and not removed since by its own holder. */
  readonly acked = new Set<LineText>()
  /** Reported as stored by a holder that had been cut off by force: kept in `.reprise/late/` at worst. */
  readonly cut = new Set<LineText>()
  /** Removed by a holder on purpose: may be there or not. */
  readonly limbo = new Set<LineText>()
  /** How often somebody sent each line for the first time. */
  readonly written = new Map<LineText, number>()
  /** The epoch a line was first written under; null when anyone wrote it without a lease. */
  readonly origin = new Map<LineText, number | null>()
  /** The last holder that acknowledged something, and the whole transcript as it knew it. */
  newest: {epoch: number; run: Set<LineText>} | undefined
  /** Transcripts by their digests. */
  readonly chains = new Map<string, readonly LineText[]>()
  metadataLost = false

  wrote(lines: readonly LineText[], epoch: number | null): void {
    for (const line of lines) {
      this.written.set(line, (this.written.get(line) ?? 0) + 1)
      if (epoch === null) this.origin.set(line, null)
      else if (!this.origin.has(line)) this.origin.set(line, epoch)
    }
  }
}

export class World {
  readonly core: Core
  readonly rng: Rng
  readonly network: Network
  readonly lines = new LineMaker()
  readonly ledger = new Ledger()
  readonly forced = new Set<number>()
  readonly stats: Record<string, number> = {}
  readonly random: Random
  /** For checks: sees everything at once. */
  readonly oracle: InstanceType<Core['Parts']>
  #ids = 0

  constructor(core: Core, seed: number) {
    this.core = core
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

export interface Outcome {
  readonly violation?: string
  readonly step: number
  readonly stats: Readonly<Record<string, number>>
  readonly log: readonly string[]
}

/** Plays one schedule. The same seed and options give the same schedule as long as the code does the same. */
export async function simulate(core: Core, seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  const world = new World(core, seed)
  const {steps = 100, holders = 3, pushers = 2, adapters = 2} = options
  const actors: Actor[] = [
    ...Array.from({length: holders}, (_, index) => new Holder(world, index, options)),
    ...Array.from({length: pushers}, (_, index) => new Pusher(world, index)),
    ...Array.from({length: adapters}, (_, index) => new Adapter(world, index)),
  ]
  let step = 0
  try {
    for (; step < steps; step++) {
      await play(world, actors, options)
      await drain()
      throwIfBroken(actors)
      await checkWorld(world, actors)
    }
    await settle(world, options)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return {violation: error.message, step, stats: world.stats, log: world.network.log}
  }
  return {step, stats: world.stats, log: world.network.log}
}

async function play(world: World, actors: readonly Actor[], options: SimulationOptions): Promise<void> {
  const {rng, network} = world
  network.now += (rng.int(1, 60) * ((options.pace ?? 12) * 1000)) / 60
  if (rng.chance(0.02)) network.now += world.core.LEASE_LIFE_MS
  network.wakeSleepers()
  const dice = rng.next()
  if (network.busy && dice < 0.5) await network.step()
  else if (dice < 0.52) await network.lateTwin()
  else if (dice < 0.54) await network.fail()
  else if (dice < 0.55) await lose(world, options)
  else if (dice < 0.57) {
    if (options.foreign !== false) await foreignWrite(world)
  } else {
    const actor = rng.pick(actors)
    if (actor.busy && rng.chance(0.05)) actor.crash()
    else if (!actor.busy) actor.act()
  }
}

async function foreignWrite({network, lines, rng, ledger, random}: World): Promise<void> {
  const line = lines.fresh(rng.chance(0.25))
  const ms = Math.floor(network.now) - rng.int(0, 60_000)
  const digits = Buffer.from(random.bytes(3)).toString('hex')
  const key = `${PREFIX}part-${ms}-${digits}.jsonl`
  ledger.wrote([line], null)
  await network.memory.put(key, Buffer.from(line), {mode: {type: 'create'}}).catch(() => undefined)
  ledger.acked.add(line)
  network.say('reference adapter writes', key, line.trim())
}

async function lose({network, rng, ledger, core}: World, options: SimulationOptions): Promise<void> {
  const {memory} = network
  if (options.loseLeaseRecord && rng.chance(0.3)) {
    network.say('the lease record is lost')
    await memory.delete([`.reprise/leases/${REF.sessionId}.json`])
    return
  }
  if (!options.loseMetadata) return
  const keys: string[] = []
  for await (const page of memory.list({prefix: PREFIX})) keys.push(...page.objects.map((object) => object.key))
  if (keys.length === 0) return
  const key = rng.pick(keys)
  const content = await memory.get(key)
  const chunks: Uint8Array[] = []
  for await (const chunk of content.body) chunks.push(chunk)
  await memory.put(key, Buffer.concat(chunks), {mode: {type: 'overwrite'}})
  ledger.metadataLost = true
  network.say('metadata lost', key)
  void core
}

/** Everyone stops; one holder takes over. It must leave one chain and nothing beside it. */
async function settle(world: World, options: SimulationOptions): Promise<void> {
  const {network, core} = world
  network.silence()
  network.now += 10 * core.LEASE_LIFE_MS
  network.quiet = true
  network.say('everyone stops')
  const last = new Holder(world, 0, {...options, force: 0})
  last.takeOver()
  for (let rounds = 0; last.busy && rounds < 2_000; rounds++) {
    await network.step(true)
    await drain()
    if (!network.busy && network.nextTimer !== undefined) network.now = Math.max(network.now, network.nextTimer)
    network.wakeSleepers()
    await drain()
    network.now += 10
  }
  throwIfBroken([last])
  await checkWorld(world, [last])
  const view = await core.viewTranscript(world.oracle, REF)
  const {forks, loose} = view.resolution
  if (last.busy || !view.delivery.straight || forks.length + loose.length > 0) {
    throw new Violation(
      `settled: not one chain, forks ${forks.length} loose ${loose.length} ${last.busy ? 'hangs' : ''}`,
    )
  }
  if (view.resolution.length > 0 && !last.ready) throw new Violation('settled: the last holder is not ready')
}

function throwIfBroken(actors: readonly Actor[]): void {
  for (const actor of actors) if (actor.broken !== undefined) throw new Violation(actor.broken)
}

/** Lets everything run that does not wait for the schedule. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
