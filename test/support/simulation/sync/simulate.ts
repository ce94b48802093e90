import {existsSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {LEASE_LIFE_MS} from '../../../../src/registry/session-lease.js'
import {type Outcome, playSchedule, throwIfBroken} from '../schedule.js'
import {Checks} from './checks.js'
import {Machine} from './machine.js'
import {adapterWrite, foreignWrite, lose} from './others.js'
import {settle} from './settle.js'
import {Worker} from './worker.js'
import {type SyncOptions, SyncWorld, untilQuiet} from './world.js'

/** How rough one schedule is, drawn from its seed. */
interface Temper {
  readonly pace: number
  /** The share of steps that belong to the network while something is on its way. */
  readonly network: number
  readonly twins: number
  readonly failures: number
  readonly losses: number
  readonly foreign: number
  readonly adapters: number
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
    foreign: options.foreign ? rng.pick([0, 0.01, 0.03]) : 0,
    adapters: options.adapters ? rng.pick([0.01, 0.03]) : 0,
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
  try {
    return await playSchedule(
      world,
      steps,
      async () => {
        await play(world, workers, options, rough)
        await untilQuiet()
        throwIfBroken(workers)
        await checks.all()
      },
      async () => settle(world, workers, checks),
    )
  } finally {
    for (const worker of workers) worker.killAll()
    network.silence()
  }
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
  else if (rng.chance(rough.adapters)) adapterWrite(world)
  else if (network.busy && rng.chance(rough.network)) await network.step()
  else {
    const worker = rng.pick(workers)
    if (rng.chance(rough.crashes)) worker.crash()
    else await worker.act()
  }
}
