import {all, collect} from './collect.js'
import type {LineText} from './lines.js'
import type {SimulatedWorld} from './simulated-world.js'

/** A writer of the reference layout leaves a loose part below `prefix`. @returns its line. */
export async function writeForeign({network, lines, rng, random}: SimulatedWorld, prefix: string): Promise<LineText> {
  const line = lines.fresh(rng.chance(0.25))
  const ms = Math.floor(network.now) - rng.int(0, 60_000)
  const key = `${prefix}part-${ms}-${Buffer.from(random.bytes(3)).toString('hex')}.jsonl`
  await network.memory.put(key, Buffer.from(line), {mode: {type: 'create'}})
  network.changes++
  network.say('reference adapter writes', key, line.trim())
  return line
}

/** A copy of the bucket drops the metadata of a part below `prefix`. @returns whether there was one. */
export async function loseMetadata({network, rng}: SimulatedWorld, prefix: string): Promise<boolean> {
  const {memory} = network
  const keys = (await all(memory.list({prefix}))).flatMap(({objects}) => objects.map(({key}) => key))
  if (keys.length === 0) return false
  const key = rng.pick(keys)
  await memory.put(key, await collect((await memory.get(key)).body), {mode: {type: 'overwrite'}})
  network.changes++
  network.say('metadata lost', key)
  return true
}
