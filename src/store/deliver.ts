import pMap from 'p-map'
import {entryIdentity, parseObject} from '../transcript/entry-identity.js'
import {type Line, readLines} from '../transcript/lines.js'
import type {PartSource} from './chain.js'
import {appendSegment, type Delivery, interleave, type Segment} from './interleave.js'
import {compareNames, isRanged, type ListedPart, type RangedPart} from './part.js'
import type {Resolution} from './resolve.js'
import {WorkLimit} from './work-limit.js'

/** Parts beside the path that are read at once. */
const CONCURRENCY = 16

/** Lines and pairs of forks compared: forks that share a run are few. */
const COMPARISONS_PER_LINE = 16
const COMPARISONS_AT_LEAST = 4_000_000

interface OffLine {
  readonly start: number
  readonly length: number
  readonly key: string
  readonly hasUuid: boolean
  readonly torn: boolean
  /** Blank lines and `agent_metadata` are none: they are not given, but count where runs are compared. */
  readonly isEntry: boolean
}

interface OffPart {
  readonly part: ListedPart
  readonly range?: RangedPart['range']
  readonly lines: readonly OffLine[]
  /** Indexes of its lines that repeat a run of the path, or of a fork whose key sorts before. */
  readonly repeats: Set<number>
}

type Fork = OffPart & {readonly range: RangedPart['range']}

function isFork(part: OffPart): part is Fork {
  return part.range !== undefined
}

/** Rule R2: what parts beside the path give, without repeats. Streams the path once, and only when there are such parts. */
export async function deliver(resolution: Resolution, source: PartSource): Promise<Delivery> {
  const beside = [...resolution.forks, ...resolution.loose, ...resolution.metadata].toSorted(compareNames)
  const read = await pMap(beside, (part) => readOff(part, source), {concurrency: CONCURRENCY})
  const off = read.filter(({lines}) => lines.some((line) => line.isEntry))
  const path = await scanPath(resolution, source, off)
  await shareForks(resolution, off)
  return interleave(
    resolution,
    keepNew(off, path),
    read.flatMap((each) => each.metadata),
  )
}

async function readOff(part: ListedPart, source: PartSource): Promise<OffPart & {readonly metadata: Segment[]}> {
  const metadata: Segment[] = []
  const lines: OffLine[] = []
  for await (const line of readLines(source.read(part, 0, part.size), {onTooLong: 'report'})) {
    const isMetadata = isMetadataEntry(line)
    if (isMetadata) metadata.push(segmentOf(part, line.offset, line.length, line.state === 'torn'))
    lines.push(offLine(line, !isMetadata && !isBlank(line)))
  }
  return {part, ...(isRanged(part) && {range: part.range}), lines, repeats: new Set(), metadata}
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

/** The forks that leave the path at a point where both agree: they may share a run with it from there. */
async function leavingForks(resolution: Resolution, off: readonly OffPart[]): Promise<Fork[]> {
  const leaving: Fork[] = []
  for (const fork of off.filter(isFork)) {
    const {from, before} = fork.range
    if (from < resolution.length && (await resolution.digests.at(resolution.path, from)) === before) leaving.push(fork)
  }
  return leaving
}

/** Follows the path's lines, each beside the forks alone that are still as the path is. */
class PathRuns {
  readonly #waiting: Fork[]
  #open: SharedRun[] = []

  constructor(forks: readonly Fork[]) {
    this.#waiting = forks.toSorted((a, b) => b.range.from - a.range.from)
  }

  see(offset: number, length: number, key: string): void {
    for (let fork = this.#waiting.at(-1); fork && fork.range.from <= offset; fork = this.#waiting.at(-1)) {
      if (fork.range.from === offset) this.#open.push(new SharedRun(fork))
      this.#waiting.pop()
    }
    if (this.#open.length > 0) this.#open = this.#open.filter((run) => run.goesOn(length, key))
  }
}

/** Follows the path's lines from the fork's beginning, as long as they are the fork's own. */
class SharedRun {
  readonly #fork: OffPart
  #count = 0

  constructor(fork: OffPart) {
    this.#fork = fork
  }

  goesOn(length: number, key: string): boolean {
    const line = this.#fork.lines[this.#count]
    if (line?.key !== key || line.length !== length) return false
    this.#fork.repeats.add(this.#count++)
    return true
  }
}

/**
 * Two forks that agree up to where the later one begins share the run that follows there: it is given once, by the one whose key
 * sorts first, whichever of them begins first.
 */
async function shareForks(resolution: Resolution, off: readonly OffPart[]): Promise<void> {
  const lines = off.reduce((sum, each) => sum + each.lines.length, 0)
  const limit = new WorkLimit(COMPARISONS_PER_LINE * lines + COMPARISONS_AT_LEAST)
  let open: Fork[] = []
  // The sort keeps key order among forks of one beginning.
  for (const fork of off.filter(isFork).toSorted((a, b) => a.range.from - b.range.from)) {
    const {from} = fork.range
    open = open.filter((each) => each.range.to > from)
    limit.spend(open.length, fork.part)
    for (const earlier of open) {
      if (!(await meet(resolution, earlier, fork.range))) continue
      limit.spend(shareRun(earlier, lineAt(earlier, from), fork), fork.part)
    }
    open.push(fork)
  }
}

/** Marks the lines that both have, from a line of the one and the first of the other on. Returns how many they are. */
function shareRun(one: Fork, first: number, other: Fork): number {
  const [repeating, offset] = compareNames(one.part, other.part) < 0 ? [other, 0] : [one, first]
  for (let count = 0; ; count++) {
    const [a, b] = [one.lines[first + count], other.lines[count]]
    if (!a || a.key !== b?.key || a.length !== b.length) return count
    repeating.repeats.add(offset + count)
  }
}

/** Index of the line that begins at an offset of the transcript; past the end where none does. */
function lineAt({lines, range}: Fork, offset: number): number {
  let [low, high] = [0, lines.length - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    const start = range.from + (lines[middle]?.start ?? 0)
    if (start === offset) return middle
    if (start < offset) low = middle + 1
    else high = middle - 1
  }
  return lines.length
}

/** Whether the earlier fork, which reaches beyond the later one's beginning, agrees with it up to there. */
async function meet(resolution: Resolution, earlier: Fork, {from, before}: RangedPart['range']): Promise<boolean> {
  const {range} = earlier
  if (from === range.from) return before === range.before
  const link = resolution.links.get(earlier.part.name)
  return link !== undefined && (await resolution.digests.at(link, from)) === before
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

function segmentOf(part: ListedPart, start: number, length: number, torn: boolean): Segment {
  return {part, start, end: start + length, ...(torn && {unterminated: true as const})}
}

function offLine(line: Line, isEntry: boolean): OffLine {
  const {key, uuid} =
    line.state === 'too-long'
      ? {key: `place:${line.offset}:${line.length}`, uuid: undefined}
      : entryIdentity(line.bytes)
  return {
    start: line.offset,
    length: line.length,
    key,
    hasUuid: uuid !== undefined,
    torn: line.state === 'torn',
    isEntry,
  }
}

function isBlank({bytes, state}: Line): boolean {
  return state !== 'too-long' && bytes.every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09)
}

/** How the Agent SDK mirrors a subagent's `agent-*.meta.json`. */
export function isMetadataEntry({bytes}: Pick<Line, 'bytes'>): boolean {
  if (
    bytes.length > 1_000_000 ||
    !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"agent_metadata"')
  ) {
    return false
  }
  return parseObject(bytes)?.['type'] === 'agent_metadata'
}
