import {loseMetadata, writeForeign} from './accidents.js'
import type {Actor} from './actor.js'
import {Adapter} from './adapter.js'
import {Archiver} from './archiver.js'
import {checkWorld} from './checks.js'
import {Compactor} from './compactor.js'
import type {Core} from './core.js'
import {Doctor} from './doctor.js'
import {Holder} from './holder.js'
import {Pusher} from './pusher.js'
import {type Outcome, playSchedule, throwIfBroken} from './schedule.js'
import {Violation} from './violation.js'
import {PREFIX, REF, type SimulationOptions, World} from './world.js'

/**
 * How rough one schedule is, drawn from its seed: a schedule in which everything goes wrong all the time reaches fewer corners
 * than many in which one thing does.
 */
interface Temper {
  readonly pace: number
  /** The share of steps that belong to the network while something is on its way. */
  readonly network: number
  readonly twins: number
  readonly failures: number
  readonly losses: number
  readonly foreign: number
  readonly crashes: number
  readonly naps: number
  /** How often a process sleeps through what the others do. */
  readonly dozes: number
}

function temper({rng}: World, options: SimulationOptions): Temper {
  return {
    pace: (options.pace ?? 4) * rng.pick([0.5, 1, 1, 3]),
    network: rng.pick([0.5, 0.7, 0.8]),
    twins: rng.pick([0, 0.01, 0.03]),
    failures: rng.pick([0, 0.01, 0.03]),
    losses: rng.pick([0, 0.01, 0.02]),
    foreign: options.foreign === false ? 0 : rng.pick([0, 0.01, 0.03]),
    crashes: rng.pick([0, 0.03, 0.1]),
    naps: rng.pick([0, 0.01, 0.03]),
    dozes: (options.compactors ?? options.archivers) === undefined ? 0 : rng.pick([0, 0.1, 0.3]),
  }
}

/** Plays one schedule. The same seed and options give the same schedule as long as the code does the same. */
export async function simulate(core: Core, seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  const world = new World(core, seed)
  const {steps = 100, holders = 3, pushers = 2, adapters = 2, compactors = 0, archivers = 0, doctors = 0} = options
  const actors: Actor[] = [
    ...Array.from({length: holders}, (_, index) => new Holder(world, index, options)),
    ...Array.from({length: pushers}, (_, index) => new Pusher(world, index)),
    ...Array.from({length: adapters}, (_, index) => new Adapter(world, index)),
    ...Array.from({length: compactors}, (_, index) => new Compactor(world, index)),
    ...Array.from({length: archivers}, (_, index) => new Archiver(world, index)),
    ...Array.from({length: doctors}, (_, index) => new Doctor(world, 'D', index)),
  ]
  const rough = temper(world, options)
  // Whoever takes a lease first finds out what the store does: others have by now.
  if (doctors > 0) await core.settleStoreRecord(world.network.memory, world.random, 'store')
  return playSchedule(
    world,
    steps,
    async () => {
      await play(world, actors, options, rough)
      await drain()
      throwIfBroken(actors)
      await checkWorld(world, actors)
    },
    async () => settle(world, options),
  )
}

async function play(world: World, actors: readonly Actor[], options: SimulationOptions, rough: Temper): Promise<void> {
  const {rng, network} = world
  network.now += Math.ceil((rng.int(1, 60) * rough.pace * 1000) / 60)
  // What was written ten minutes ago has its grace behind it.
  const longest = options.doctors ? 12 : 1
  if (rng.chance(rough.naps)) network.now += (longest === 1 ? 1 : rng.pick([1, longest])) * world.core.LEASE_LIFE_MS
  network.wakeSleepers()
  if (rng.chance(rough.twins)) await network.lateTwin()
  else if (rng.chance(rough.failures)) await network.fail()
  else if (rng.chance(rough.losses)) await lose(world, options)
  else if (rng.chance(rough.foreign)) await foreignWrite(world)
  else if (network.busy && rng.chance(rough.network)) await network.step()
  else {
    const actor = rng.pick(actors)
    if (actor.busy && rng.chance(rough.crashes)) actor.crash()
    else if (actor.busy && rough.dozes > 0 && rng.chance(rough.dozes))
      network.doze(actor.client, rng.int(5, 60) * rough.pace * 1000)
    else if (!actor.busy) actor.act()
  }
}

async function foreignWrite(world: World): Promise<void> {
  const line = await writeForeign(world, PREFIX)
  world.ledger.wrote([line], null)
  world.ledger.acked.add(line)
}

async function lose(world: World, options: SimulationOptions): Promise<void> {
  const {network, ledger} = world
  if (options.loseLeaseRecord) {
    // Once: and not before the session has a part, since nothing then tells a lost record from none.
    if (network.leaseLost || ledger.acked.size === 0) return
    await network.loseLease(`.reprise/leases/${REF.sessionId}.json`)
    return
  }
  if (options.loseMetadata && (await loseMetadata(world, PREFIX))) ledger.metadataLost = true
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

/** Lets everything run that does not wait for the schedule. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
