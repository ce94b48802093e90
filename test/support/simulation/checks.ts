import type {Actor} from './actors.js'
import {countOf, decode, encode, isBookkeeping, type LineText} from './lines.js'
import type {SimClient} from './network.js'
import {PREFIX, REF, type Sight, type View, Violation, type World} from './world.js'

async function look(world: World): Promise<Sight> {
  const {changes} = world.network
  if (world.sight?.changes === changes) return world.sight
  const stored = await contents(world, PREFIX)
  const view = await world.core.viewTranscript(world.oracle, REF)
  const delivered = await deliveredLines(world, view)
  world.ledger.chains.set(view.resolution.digest, await pathLines(world, view))
  if (view.resolution.fenced.length > 0) world.count('fenced')
  if (view.resolution.forks.length > 0) world.count('forks')
  if (view.resolution.loose.length > 0) world.count('loose')
  if (view.resolution.displaced.length > 0) world.count('displaced')
  world.sight = {changes, stored, view, delivered}
  return world.sight
}

/** The invariants, after every step. */
export async function checkWorld(world: World, actors: readonly Actor[]): Promise<void> {
  const {ledger} = world
  const {stored, view, delivered} = await look(world)
  const lost = [...ledger.acked].filter((line) => !ledger.limbo.has(line) && !stored.has(line))
  if (lost.length > 0) throw new Violation(`C1 lost ${show(lost)}`)
  if ([...ledger.cut].some((line) => !stored.has(line))) {
    const late = await contents(world, '.reprise/late/')
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
  await checkReference(world, view, delivered)
  if (ledger.newest && !ledger.metadataLost) {
    const {epoch, run} = ledger.newest
    const late = delivered.filter((line) => {
      const origin = ledger.origin.get(line)
      return !isBookkeeping(line) && origin !== undefined && origin !== null && origin < epoch && !run.has(line)
    })
    if (late.length > 0) throw new Violation(`delivers lines of a fenced writer ${show(late)}`)
  }
  // Written again from a copy without metadata, a part can get the name it had: here the lease record must decide as well.
  if (!ledger.metadataLost) await checkListings(world, view, delivered, actors)
}

/**
 * A reader that knows nothing of merges takes every part in key order. It may be given lines twice while inputs are still there; the last
 * line is the last one all the same, where holders and compactors alone wrote.
 */
async function checkReference({network: {memory}}: World, view: View, delivered: readonly LineText[]): Promise<void> {
  const {forks, loose, fenced, displaced, covered, slices} = view.resolution
  if (forks.length + loose.length + fenced.length + displaced.length > 0) return
  if (!view.parts.every((part) => 'range' in part && part.range.leased)) return
  const last = view.parts.findLast((part) => part.size > 0)
  if (!last) return
  // What a cut-off writer wrote, or a rebase that came too late, may have the path's bytes by chance, or be where it goes on.
  const epochs = slices.map(({part}) => part.range.epoch)
  if (epochs.some((epoch, at) => epoch < (epochs[at - 1] ?? 0))) return
  if (covered.some((part) => part.name === last.name && part.range.epoch < (epochs.at(-1) ?? 0))) return
  const chunks: Uint8Array[] = []
  for await (const chunk of (await memory.get(last.key)).body) chunks.push(chunk)
  const line = decode(Buffer.concat(chunks)).at(-1)
  if (line !== delivered.at(-1)) throw new Violation(`C3 another reader's last line is ${line?.trim()}`)
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
    const bytes = {
      length: whole.length,
      async *read(start: number, end: number) {
        yield whole.subarray(start, end)
      },
    }
    const measured = await core.measure(
      bytes,
      ends.filter((end) => end <= whole.length),
    )
    if (core.listedPrefix(listing.parts, measured) !== whole.length) continue
    throw new Violation(`P3 false "stored": local ${show(local)} delivered ${show(delivered)}`)
  }
}

export async function deliveredLines(world: World, {delivery}: View, client?: SimClient): Promise<LineText[]> {
  const parts = client ? new world.core.Parts(client) : world.oracle
  return read(world.core.deliveredBytes(delivery, parts))
}

async function pathLines({oracle}: World, {resolution}: View): Promise<LineText[]> {
  const chunks: Uint8Array[] = []
  for (const {part, start, end} of resolution.slices) {
    for await (const chunk of oracle.read(part, start - part.range.from, end - part.range.from)) chunks.push(chunk)
  }
  return decode(Buffer.concat(chunks))
}

async function read(bytes: {
  length: number
  read(start: number, end: number): AsyncIterable<Uint8Array>
}): Promise<LineText[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes.read(0, bytes.length)) chunks.push(chunk)
  return decode(Buffer.concat(chunks))
}

async function contents({network: {memory}}: World, prefix: string): Promise<Set<LineText>> {
  const lines = new Set<LineText>()
  for await (const page of memory.list({prefix})) {
    for (const {key} of page.objects) {
      const {body} = await memory.get(key)
      for await (const chunk of body) for (const line of decode(chunk)) lines.add(line)
    }
  }
  return lines
}

function show(lines: readonly LineText[]): string {
  return `[${lines.map((line) => line.trim().replace(/^.*"(u\d+)".*$/, '$1')).join(' ')}]`
}
