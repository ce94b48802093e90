import pMap from 'p-map'
import {entryIdentity} from '../transcript/entry-identity.js'
import {readLines} from '../transcript/lines.js'
import type {PartSource} from './chain.js'
import {leaveOutDisplaced} from './displaced-runs.js'
import type {DisplacedRun} from './journal.js'
import {appendSegment, type Delivery, interleave, type Segment} from './interleave.js'
import {type OffPart, readOff, segmentOf} from './off-part.js'
import {compareNames, type ListedPart} from './part.js'
import type {Resolution} from './resolve.js'
import {leavingForks, PathRuns, shareForks} from './shared-runs.js'

/** Parts beside the path that are read at once. */
const CONCURRENCY = 16

/**
 * Rule R2: what parts beside the path give, without repeats. Streams the path once, and only when there are such parts.
 *
 * @param displaced what rebases took in of parts without a lease
 */
export async function deliver(
  resolution: Resolution,
  source: PartSource,
  displaced: readonly DisplacedRun[] = [],
): Promise<Delivery> {
  const beside = [...resolution.forks, ...resolution.loose, ...resolution.metadata].toSorted(compareNames)
  const read = await pMap(beside, (part) => readOff(part, source), {concurrency: CONCURRENCY})
  const off = read.filter(({lines}) => lines.some((line) => line.isEntry))
  const path = await scanPath(resolution, source, off)
  await shareForks(resolution, off)
  await leaveOutDisplaced(off, source, displaced, resolution.tip?.range.gen ?? 0)
  return interleave(
    resolution,
    keepNew(off, path),
    read.flatMap((each) => each.metadata),
  )
}

interface PathEntries {
  /** Identities with a `uuid` that the path gives, of those asked for. */
  readonly uuids: ReadonlySet<string>
  /** Of lines without one: the last part, by key, of the path that holds the same bytes. */
  readonly bytes: ReadonlyMap<string, ListedPart>
}

async function scanPath(resolution: Resolution, source: PartSource, off: readonly OffPart[]): Promise<PathEntries> {
  const wanted = new Set(off.flatMap((each) => each.lines.filter((line) => line.isEntry).map((line) => line.key)))
  const uuids = new Set<string>()
  const bytes = new Map<string, ListedPart>()
  if (wanted.size === 0) return {uuids, bytes}
  const runs = new PathRuns(await leavingForks(resolution, off))
  for (const {part, start, end} of resolution.slices) {
    const {from} = part.range
    for await (const line of readLines(source.read(part, start - from, end - from), {
      from: start,
      onTooLong: 'report',
    })) {
      const {key, uuid} = entryIdentity(line.bytes)
      runs.see(line.offset, line.length, key)
      if (!wanted.has(key)) continue
      if (uuid !== undefined) uuids.add(key)
      const known = bytes.get(key)
      if (!known || compareNames(part, known) > 0) bytes.set(key, part)
    }
  }
  return {uuids, bytes}
}

/** The lines of each part beside the path that nobody has given yet, as segments. */
function keepNew(off: readonly OffPart[], path: PathEntries): {part: ListedPart; segments: Segment[]}[] {
  const given = new Set(path.uuids)
  return off.map(({part, lines, repeats}) => {
    const segments: Segment[] = []
    for (const [index, line] of lines.entries()) {
      if (!line.isEntry) continue
      if (line.hasUuid) {
        if (given.has(line.key)) continue
        given.add(line.key)
      } else {
        const holder = path.bytes.get(line.key)
        if (repeats.has(index) || (holder && compareNames(holder, part) > 0)) continue
      }
      appendSegment(segments, segmentOf(part, line.start, line.length, line.torn))
    }
    return {part, segments}
  })
}
