import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {LEASE_LIFE_MS} from '../../../../src/registry/session-lease.js'
import {leaseKeyOf, sessionPrefix} from '../../../../src/store/names.js'
import type {Outcome} from '../simulate.js'
import {Violation} from '../world.js'
import {Checks} from './checks.js'
import {keyOf} from './local-copy.js'
import {Machine} from './machine.js'
import {settle} from './settle.js'
import {Worker} from './worker.js'
import {SESSION, type SyncOptions, SyncWorld, untilQuiet} from './world.js'

/** How rough one schedule is, drawn from its seed. */
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
}

function temper({rng}: SyncWorld, options: SyncOptions): Temper {
  return {
    pace: (options.pace ?? 3) * rng.pick([0.3, 1, 1, 4]),
    network: rng.pick([0.5, 0.75, 0.9]),
    twins: rng.pick([0, 0.01, 0.03]),
    failures: rng.pick([0, 0.01, 0.03]),
    losses: rng.pick([0, 0.01, 0.03]),
    foreign: options.foreign ? rng.pick([0, 0.005, 0.02]) : 0,
    crashes: rng.pick([0, 0.02, 0.08]),
    naps: rng.pick([0, 0.01, 0.02]),
  }
}

/** Plays one schedule of workers that mirror, push and pull one session. The same seed and options give the same schedule. */
export async function simulateSync(seed: number, options: SyncOptions = {}): Promise<Outcome> {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'reprise-sim-'))
  try {
    return await playAll(new SyncWorld(seed, root), options)
  } finally {
    await untilQuiet()
    rmSync(root, {recursive: true, force: true})
  }
}

async function playAll(world: SyncWorld, options: SyncOptions): Promise<Outcome> {
  const {rng, network, lines} = world
  const {steps = 200, workers: count = 3} = options
  await network.memory.put('.reprise/store.json', Buffer.from('{"version":1,"registry":"store","conditions":true}\n'), {
    mode: {type: 'create'},
  })
  const machines = Array.from(
    {length: count},
    (_, index) => new Machine(world, index, rng.pick([0, 0, -80_000, 600_000, -3_600_000])),
  )
  const workers = machines.map((machine) => new Worker(world, machine, options))
  world.turn = machines[0]
  machines[0]?.copy.append(lines.fresh(false) + lines.fresh(false))
  const checks = new Checks(world, machines)
  const rough = temper(world, options)
  network.readsAtOnce = rng.pick([0.97, 0.97, 0.7, 0.2])
  let step = 0
  try {
    for (; step < steps; step++) {
      await play(world, workers, options, rough)
      await untilQuiet()
      throwIfBroken(workers)
      await checks.all()
    }
    await settle(world, workers, checks)
  } catch (error) {
    if (!(error instanceof Violation)) throw error
    return {violation: error.message, step, stats: statsOf(world), log: network.log}
  } finally {
    for (const worker of workers) worker.killAll()
    network.silence()
  }
  return {step, stats: statsOf(world), log: network.log}
}

async function play(world: SyncWorld, workers: readonly Worker[], options: SyncOptions, rough: Temper): Promise<void> {
  const {rng, network} = world
  network.now += Math.ceil((rng.int(1, 60) * rough.pace * 1000) / 60)
  if (rng.chance(rough.naps)) network.now += LEASE_LIFE_MS
  while (network.wakeNext()) await untilQuiet()
  if (rng.chance(rough.twins)) await network.lateTwin()
  else if (rng.chance(rough.failures)) await network.fail()
  else if (rng.chance(rough.losses)) await lose(world, options)
  else if (rng.chance(rough.foreign)) await foreignWrite(world)
  else if (network.busy && rng.chance(rough.network)) await network.step()
  else {
    const worker = rng.pick(workers)
    if (rng.chance(rough.crashes)) worker.crash()
    else await worker.act()
  }
}

async function foreignWrite(world: SyncWorld): Promise<void> {
  const {network, lines, rng, ledger, random} = world
  const ref = await world.ref()
  if (!ref) return
  const line = lines.fresh(rng.chance(0.25))
  const digits = Buffer.from(random.bytes(3)).toString('hex')
  const key = `${sessionPrefix(ref)}part-${Math.floor(network.now) - rng.int(0, 60_000)}-${digits}.jsonl`
  await network.memory.put(key, Buffer.from(line), {mode: {type: 'create'}})
  network.changes++
  ledger.acknowledge([keyOf(line)])
  world.count('foreign')
  network.say('reference adapter writes', key, line.trim())
}

async function lose(world: SyncWorld, options: SyncOptions): Promise<void> {
  const {network, rng, ledger} = world
  const ref = await world.ref()
  if (!ref) return
  if (options.loseLeaseRecord && !network.leaseLost && ledger.acked.size > 0) {
    await network.loseLease(leaseKeyOf(SESSION))
  } else if (options.loseMetadata) {
    const keys: string[] = []
    for await (const page of network.memory.list({prefix: sessionPrefix(ref)})) {
      keys.push(...page.objects.map((object) => object.key))
    }
    if (keys.length === 0) return
    const key = rng.pick(keys)
    const {body} = await network.memory.get(key)
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    await network.memory.put(key, Buffer.concat(chunks), {mode: {type: 'overwrite'}})
    network.changes++
    ledger.metadataLost = true
    world.count('metadata lost')
    network.say('metadata lost', key)
  }
}

export function throwIfBroken(workers: readonly Worker[]): void {
  for (const worker of workers) if (worker.broken !== undefined) throw new Violation(worker.broken)
}

function statsOf({stats, network}: SyncWorld): Readonly<Record<string, number>> {
  return {...stats, ...network.stats}
}
