import {openJournals} from './rebase.js'
import {chainDigits, formatPartName} from './names.js'
import {compareNames, type ListedPart, type PartRange, type RangedPart} from './part.js'
import type {Resolution} from './resolve.js'
import type {TranscriptView} from './view.js'

/** Parts of the path, each used whole, that become one object. */
export interface Merge {
  readonly inputs: readonly RangedPart[]
  /** Of the new object: the time of the last input, and digits that bind it to its end and its beginning. */
  readonly name: string
  readonly range: PartRange
  readonly size: number
}

/** A part whose bytes a bigger one has too: left by a merge that died, or by a late request. */
export interface Leftover {
  readonly part: RangedPart
  readonly cover: RangedPart
}

export interface CompactionPolicy {
  /**
   * A run is merged when it is at least so many times as big as its biggest part: each byte is then written again at most
   * log(size / part size) times to this base. Default 4.
   */
  readonly growth?: number
  /** A run may have at most so many bytes: S3 makes no object beyond 5 TiB. Default 1 TiB. */
  readonly maxBytes?: number
  /**
   * The epoch of the session's lease record, read after the listing. What is before a leased part of that epoch stays where it is:
   * its holder knows it, and every later one lists later. Only there do parts without a lease merge with leased ones, which a holder
   * who knows nothing of them would fence (decision 0012). Default: not known.
   */
  readonly leaseEpoch?: number | undefined
}

/** Whether a plan would be another with `leaseEpoch`. */
export function asksForLeaseEpoch({resolution: {slices, covered}}: TranscriptView): boolean {
  const parts = [...slices.map(({part}) => part), ...covered]
  return parts.some(({range}) => range.leased) && parts.some(({range}) => !range.leased)
}

export interface CompactionPlan {
  readonly merges: readonly Merge[]
  readonly leftovers: readonly Leftover[]
}

const GROWTH = 4
const MAX_BYTES = 2 ** 40

/** What compacting a transcript would do; one object for each merge, and deletes only after it. Pure. */
export function planCompaction(view: TranscriptView, policy: CompactionPolicy = {}): CompactionPlan {
  const leftovers = findLeftovers(view, policy)
  // The path goes another way once they are gone: what can be merged then shows next time.
  if (leftovers.some(({part}) => view.resolution.on.has(part.name))) return {merges: [], leftovers}
  const merges = mergeableRuns(view, policy)
    .flatMap((run) => worthwhile(run, policy))
    .flatMap((inputs) => mergeOf(inputs) ?? [])
  return {merges, leftovers}
}

/** The longest runs of which every stretch may be merged. */
function mergeableRuns(view: TranscriptView, {leaseEpoch}: CompactionPolicy): RangedPart[][] {
  const {slices} = view.resolution
  const open = new Set(openJournals(view).map((journal) => journal.part))
  const beside = [...view.resolution.loose, ...view.resolution.forks].toSorted(compareNames)
  const path = slices.map(({part}) => part)
  const settledUntil = firstOfHighestEpoch(path)
  const keptUntil = knownToHolder(slices, leaseEpoch)
  const runs: RangedPart[][] = []
  let run: RangedPart[] = []
  for (const [index, {part, start, end}] of slices.entries()) {
    const last = run.at(-1)
    const isPlain = part.parsed !== undefined && part.codec === undefined && !open.has(part.name)
    const isWhole = isPlain && start === part.range.from && end === part.range.to
    const goesOn =
      last && isWhole && mayFollow(last, part, index < settledUntil, index !== settledUntil, keptUntil, beside)
    if (!goesOn) {
      if (run.length > 1) runs.push(run)
      run = []
    }
    // An empty part never begins a merge.
    if (isWhole && (run.length > 0 || part.size > 0)) run.push(part)
  }
  if (run.length > 1) runs.push(run)
  return runs
}

/** All before it are of an older epoch than a later part: nobody can fence them any more. */
function firstOfHighestEpoch(path: readonly RangedPart[]): number {
  const highest = path.reduce((epoch, {range}) => Math.max(epoch, range.epoch), 0)
  return path.findIndex(({range}) => range.epoch === highest)
}

/** The offset before which the path is known to whoever holds the lease, and to all that come later. */
function knownToHolder(slices: Resolution['slices'], leaseEpoch: number | undefined): number {
  return slices
    .filter(({part: {range}}) => range.leased && range.epoch === leaseEpoch)
    .reduce((offset, {start}) => Math.max(offset, start), 0)
}

function mayFollow(
  last: RangedPart,
  part: RangedPart,
  isSettled: boolean,
  isSameSide: boolean,
  keptUntil: number,
  beside: readonly ListedPart[],
): boolean {
  const [a, b] = [last.range, part.range]
  if (a.to !== b.from || a.after !== b.before || b.gen < a.gen || compareNames(last, part) >= 0) return false
  if (!isSameSide || (a.leased !== b.leased && !(isSettled && b.to <= keptUntil))) return false
  if (isSettled ? b.epoch < a.epoch : b.epoch !== a.epoch) return false
  return !beside.some((each) => compareNames(last, each) < 0 && compareNames(each, part) < 0)
}

/** The widest stretches that grow enough, found around their biggest parts. */
function worthwhile(run: readonly RangedPart[], policy: CompactionPolicy): RangedPart[][] {
  const {growth = GROWTH, maxBytes = MAX_BYTES} = policy
  if (run.length < 2) return []
  let total = 0
  let biggest = 0
  for (const [index, {size}] of run.entries()) {
    total += size
    if (size > (run[biggest]?.size ?? 0)) biggest = index
  }
  const isEnough = total >= growth * (run[biggest]?.size ?? 0)
  if (isEnough && total <= maxBytes) return [trimmed(run)].filter((each) => each.length > 1)
  return [...worthwhile(run.slice(0, biggest), policy), ...worthwhile(run.slice(biggest + 1), policy)]
}

/** Without empty parts at its beginning. */
function trimmed(run: readonly RangedPart[]): RangedPart[] {
  const first = run.findIndex(({size}) => size > 0)
  return first < 0 ? [] : run.slice(first)
}

function mergeOf(inputs: readonly RangedPart[]): Merge | undefined {
  const [first, last] = [inputs[0], inputs.at(-1)]
  if (!first || !last?.parsed) return undefined
  const {from, before} = first.range
  const {to, after, gen, machine} = last.range
  const name = formatPartName({ms: last.parsed.ms, digits: chainDigits(after, from)})
  if (inputs.some((part) => part.name === name)) return undefined
  const range: PartRange = {
    from,
    to,
    before,
    after,
    entries: inputs.reduce((sum, part) => sum + part.range.entries, 0),
    epoch: inputs.reduce((epoch, part) => Math.max(epoch, part.range.epoch), 0),
    // A run of both kinds stays where it is, whoever comes.
    leased: inputs.some(({range}) => range.leased),
    gen,
    machine,
  }
  return {inputs, name, range, size: to - from}
}

/**
 * Parts that nothing needs, also on the path: an input whose name sorts behind its merge's is preferred to it. A part goes only under
 * a bigger one of at least its epoch, and one that nobody can fence only under another such: of two that cover each other one
 * always stays, whoever deletes at the same time.
 */
function findLeftovers({resolution}: TranscriptView, {leaseEpoch}: CompactionPolicy): Leftover[] {
  const onPath = resolution.slices.map(({part}) => part).filter((part) => resolution.on.has(part.name))
  const parts = [...resolution.covered, ...onPath].filter((part) => part.codec === undefined).toSorted(compareCover)
  const keptUntil = knownToHolder(resolution.slices, leaseEpoch)
  return parts.flatMap((part) => {
    const cover = parts.findLast((each) => mayCover(each, part, keptUntil))
    return cover ? [{part, cover}] : []
  })
}

function mayCover(cover: RangedPart, part: RangedPart, keptUntil: number): boolean {
  const [a, b] = [cover.range, part.range]
  if (cover.name === part.name || a.from > b.from || b.to > a.to || a.epoch < b.epoch) return false
  if (a.from === a.to && b.from < b.to) return false
  return compareCover(cover, part) > 0 && (b.leased || !a.leased || a.to <= keptUntil)
}

function compareCover(a: RangedPart, b: RangedPart): number {
  return a.size - b.size || a.range.epoch - b.range.epoch || compareNames(a, b)
}
