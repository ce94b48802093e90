import {createHash} from 'node:crypto'
import type {PartSource} from './chain.js'
import type {DisplacedRun} from './journal.js'
import {type Fork, isFork, type OffPart} from './off-part.js'
import type {ListedPart} from './part.js'
import {WorkLimit} from './work-limit.js'

/** A fork begins with a run for each line at most; of several that begin at one place each is looked at. */
const LOOKS_PER_LINE = 16

/**
 * A merge of displaced parts, made while the rebase was under way, begins with what the rebase took in.
 *
 * @param gen the path's: a merge of what a rebase displaced is of an older one. What the rebase itself wrote stands beside the path
 *   where a copy of the bucket lost what came before it, and then it alone has those lines.
 */
export async function leaveOutDisplaced(
  off: readonly OffPart[],
  source: PartSource,
  displaced: readonly DisplacedRun[],
  gen: number,
): Promise<void> {
  if (displaced.length === 0) return
  const runs = new Map<string, DisplacedRun[]>()
  for (const run of displaced) {
    const place = placeOf(run)
    const others = runs.get(place)
    if (others) others.push(run)
    else runs.set(place, [run])
  }
  for (const fork of off.filter(isFork)) {
    const {range, part} = fork
    if (range.gen >= gen) continue
    const limit = new WorkLimit(LOOKS_PER_LINE * fork.lines.length)
    let upTo = 0
    let runsHere = runs.get(placeOf(range))
    while (runsHere) {
      limit.spend(runsHere.length, part)
      const found = await firstWithin(runsHere, fork, upTo, source)
      upTo = found ? found.to - range.from : upTo
      runsHere = found && found.to > found.from ? runs.get(placeOf({from: found.to, before: found.after})) : undefined
    }
    for (const [index, line] of fork.lines.entries()) if (line.start + line.length <= upTo) fork.repeats.add(index)
  }
}

function placeOf({from, before}: {readonly from: number; readonly before: string}): string {
  return `${from}:${before}`
}

/** The first run that a part holds from an offset of its bytes on. */
async function firstWithin(
  runs: readonly DisplacedRun[],
  {part, range}: Fork,
  offset: number,
  source: PartSource,
): Promise<DisplacedRun | undefined> {
  const digests = new Map<number, string>()
  for (const run of runs) {
    if (run.to > range.to) continue
    const end = run.to - range.from
    const digest = digests.get(end) ?? (await digestOf(part, offset, end, source))
    digests.set(end, digest)
    if (digest === run.sha256) return run
  }
  return undefined
}

async function digestOf(part: ListedPart, start: number, end: number, source: PartSource): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source.read(part, start, end)) hash.update(chunk)
  return hash.digest('hex')
}
