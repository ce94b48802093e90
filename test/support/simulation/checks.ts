import type {Actor} from './actor.js'
import {all, collect, linesOf, transcriptOf} from './collect.js'
import {countOf, decode, encode, isBookkeeping, type LineText} from './lines.js'
import {checkReference, show} from './reference-check.js'
import type {SimClient} from './sim-client.js'
import {Violation} from './violation.js'
import {type Checked, PREFIX, REF, type Sight, type View, type World} from './world.js'

/** The store as a reader finds it at this instant. */
export async function sightOf({core, memory, oracle}: Pick<Checked, 'core' | 'memory' | 'oracle'>): Promise<Sight> {
  const parts = await contents(memory, PREFIX)
  const view = await core.viewTranscript(oracle, REF)
  return {parts, view, delivered: await linesOf(core.deliveredBytes(view.delivery, oracle))}
}

async function look(world: World): Promise<Sight> {
  const {changes} = world.network
  if (world.sight?.changes === changes) return world.sight
  const sight = {...(await sightOf(world)), changes}
  const {view} = sight
  world.ledger.chains.set(view.resolution.digest, await pathLines(world, view))
  if (view.resolution.fenced.length > 0) world.count('fenced')
  if (view.resolution.forks.length > 0) world.count('forks')
  if (view.resolution.loose.length > 0) world.count('loose')
  if (view.resolution.displaced.length > 0) world.count('displaced')
  world.sight = sight
  // Other readers are given nothing of what is archived, and some of it twice while it is on its way.
  if (!world.network.archived) checkReference(world, sight)
  return sight
}

/** The invariants, after every step. */
export async function checkWorld(world: World, actors: readonly Actor[]): Promise<void> {
  const sight = await look(world)
  await checkPromises(world, sight)
  // Written again from a copy without metadata, a part can get the name it had: here the lease record must decide as well.
  if (!world.ledger.metadataLost) await checkListings(world, sight.view, sight.delivered, actors)
}

/** C1 and C2: what was promised is stored and delivered, once, and nothing of a fenced writer. */
export async function checkPromises({ledger, memory}: Pick<Checked, 'ledger' | 'memory'>, sight: Sight): Promise<void> {
  const {view, delivered} = sight
  const archived =
    view.archived.length > 0 ? await contents(memory, '.reprise/archive/') : new Map<string, LineText[]>()
  const stored = new Set([...sight.parts.values(), ...archived.values()].flat())
  const lost = [...ledger.acked].filter((line) => !ledger.limbo.has(line) && !stored.has(line))
  if (lost.length > 0) throw new Violation(`C1 lost ${show(lost)}`)
  if ([...ledger.cut].some((line) => !stored.has(line))) {
    const late = new Set([...(await contents(memory, '.reprise/late/')).values()].flat())
    const gone = [...ledger.cut].filter((line) => !ledger.limbo.has(line) && !stored.has(line) && !late.has(line))
    if (gone.length > 0) throw new Violation(`C1 cut off by force and gone ${show(gone)}`)
  }
  const counts = countOf(delivered)
  const skipped = [...ledger.acked].filter((line) => !ledger.limbo.has(line) && !counts.has(line))
  if (skipped.length > 0) throw new Violation(`C2 reader skips ${show(skipped)}`)
  const twice = [...counts].filter(
    ([line, count]) => count > (isBookkeeping(line) ? (ledger.written.get(line) ?? 0) : 1),
  )
  const bookkeepingMayReturn = ledger.metadataLost
  const wrong = twice.filter(([line]) => !(bookkeepingMayReturn && isBookkeeping(line))).map(([line]) => line)
  if (wrong.length > 0) throw new Violation(`C2 reader yields twice ${show(wrong)}`)
  if (ledger.newest && !ledger.metadataLost) {
    const {epoch, run} = ledger.newest
    const late = delivered.filter((line) => {
      const origin = ledger.origin.get(line)
      return !isBookkeeping(line) && origin !== undefined && origin !== null && origin < epoch && !run.has(line)
    })
    if (late.length > 0) throw new Violation(`delivers lines of a fenced writer ${show(late)}`)
  }
}

/** P3: what one listing says of a local file is true. */
async function checkListings(
  {core}: World,
  {listing}: View,
  delivered: readonly LineText[],
  actors: readonly Actor[],
): Promise<void> {
  const ends = core.listedEnds(listing.parts)
  const given = delivered.join('')
  for (const actor of actors) {
    const local = actor.believed
    if (!local || local.length === 0) continue
    const whole = encode(local)
    if (whole.length !== ends.at(-1) || local.join('') === given) continue
    const within = ends.filter((end) => end <= whole.length)
    const measured = await core.measure(transcriptOf(whole), within)
    if (core.listedPrefix(listing.parts, measured) !== whole.length) continue
    throw new Violation(`P3 false "stored": local ${show(local)} delivered ${show(delivered)}`)
  }
}

export async function deliveredLines(world: World, {delivery}: View, client?: SimClient): Promise<LineText[]> {
  const parts = client ? new world.core.Parts(client) : world.oracle
  return linesOf(world.core.deliveredBytes(delivery, parts))
}

async function pathLines({oracle}: World, {resolution}: View): Promise<LineText[]> {
  const slices: Uint8Array[] = []
  for (const {part, start, end} of resolution.slices)
    slices.push(await collect(oracle.read(part, start - part.range.from, end - part.range.from)))
  return decode(Buffer.concat(slices))
}

/** The lines of each object below a prefix, by the rest of its key. */
async function contents(memory: Checked['memory'], prefix: string): Promise<ReadonlyMap<string, readonly LineText[]>> {
  const found = new Map<string, readonly LineText[]>()
  for (const {objects} of await all(memory.list({prefix})))
    for (const {key} of objects)
      found.set(key.slice(prefix.length), decode(await collect((await memory.get(key)).body)))
  return found
}
