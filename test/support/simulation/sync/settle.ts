import {LEASE_LIFE_MS} from '../../../../src/registry/session-lease.js'
import {Violation} from '../violation.js'
import type {Checks} from './checks.js'
import {Machine} from './machine.js'
import {type SyncWorld, untilQuiet} from './world.js'
import {Worker} from './worker.js'

const MAX_ROUNDS = 5_000

/**
 * Everyone stops. One worker goes on in the session and ends it; then each of the others stores what it has and takes what there is.
 * In the end all have the same, and it is what was promised.
 */
export async function settle(world: SyncWorld, workers: readonly Worker[], checks: Checks): Promise<void> {
  const {network, rng} = world
  for (const worker of workers) worker.killAll()
  await untilQuiet()
  network.silence()
  network.now += 10 * LEASE_LIFE_MS
  network.quiet = true
  network.say('everyone stops')
  const last = rng.pick(workers.filter(({copy}) => copy.lines.length > 0))
  const others = workers.filter((worker) => worker !== last)
  if (await isStored(world)) await done(world, last, 'is brought everything', () => last.pull({merge: true}))
  await done(world, last, 'goes on', () => last.resume())
  if (!last.isFollowing) throw new Violation(`settled: ${last.machine.name} cannot go on`)
  last.write()
  await done(world, last, 'ends', () => last.end())
  await checks.all()
  await endsAsTheFile(checks, last)
  for (const worker of others) {
    if (worker.copy.lines.length > 0) {
      await done(world, worker, 'stores all', () => worker.push({merge: true}))
      await done(world, worker, 'asks', () => worker.status())
      if (!['stored', 'behind'].includes(worker.answer)) {
        throw new Violation(`settled: ${worker.machine.name} pushed, and its status is ${worker.answer}`)
      }
    }
    await done(world, worker, 'takes all', () => worker.pull({merge: true}))
  }
  const reader = new Worker(world, new Machine(world, workers.length, 0), {})
  await done(world, reader, 'reads', () => reader.pull({merge: false}))
  const delivered = (await checks.all())?.delivered.join('')
  if (reader.copy.text !== delivered)
    throw new Violation(`settled: a new machine has ${reader.copy.text}, not ${delivered}`)
}

async function isStored(world: SyncWorld): Promise<boolean> {
  const ref = await world.ref()
  return ref !== undefined && (await world.oracle.list(ref)).parts.length > 0
}

/** What is stored is the holder's file, byte for byte, and beside it only what others wrote. */
async function endsAsTheFile(checks: Checks, {copy, machine}: Worker): Promise<void> {
  const sight = await checks.all()
  if (!sight) throw new Violation('settled: nothing is stored')
  const {delivery, resolution} = sight.view
  const local = copy.lines
  const beside = [...resolution.forks, ...resolution.loose]
  if (beside.length === 0 && !delivery.straight) throw new Violation('settled: not one chain')
  const text = sight.delivered.join('')
  if (beside.length === 0 && text !== local.join('')) {
    throw new Violation(`settled: ${machine.name} has ${local.join('')}, readers get ${text}`)
  }
  let at = 0
  for (const line of sight.delivered) if (line === local[at]) at++
  if (at < local.length) throw new Violation(`settled: ${machine.name} has ${local.join('')}, readers get ${text}`)
}

/** Plays it to its end, everything in order. */
async function done(world: SyncWorld, worker: Worker, what: string, begin: () => void): Promise<void> {
  const {network} = world
  network.say('settling:', worker.machine.name, what)
  begin()
  await untilQuiet()
  for (let rounds = 0; worker.isBusy; rounds++) {
    if (rounds > MAX_ROUNDS) throw new Violation(`settled: ${worker.machine.name} ${what}, and hangs`)
    if (network.busy) await network.step(true)
    else network.now = Math.max(network.now + 10, network.nextTimer ?? 0)
    await untilQuiet()
    while (network.wakeNext()) await untilQuiet()
  }
  if (worker.broken !== undefined) throw new Violation(`settled: ${worker.broken}`)
  if (worker.failure !== undefined) throw new Violation(`settled: ${worker.machine.name} ${what}: ${worker.failure}`)
}
