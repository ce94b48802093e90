import {type Fork, isFork, type OffPart} from './off-part.js'
import {compareNames, type RangedPart} from './part.js'
import type {Resolution} from './resolve.js'
import {WorkLimit} from './work-limit.js'

/** Lines and pairs of forks compared: forks that share a run are few. */
const COMPARISONS_PER_LINE = 16
const COMPARISONS_AT_LEAST = 4_000_000

/** The forks that leave the path at a point where both agree: they may share a run with it from there. */
export async function leavingForks(resolution: Resolution, off: readonly OffPart[]): Promise<Fork[]> {
  const leaving: Fork[] = []
  for (const fork of off.filter(isFork)) {
    const {from, before} = fork.range
    if (from < resolution.length && (await resolution.digests.at(resolution.path, from)) === before) leaving.push(fork)
  }
  return leaving
}

/** Follows the path's lines, each beside the forks alone that are still as the path is. */
export class PathRuns {
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
 * sorts first, whichever of them begins first. Of an input that outlived the one before it, and what came before its merge, nothing tells
 * any more whether they agree: it counts as the merge's when the merge has all its bytes at their place.
 */
export async function shareForks(resolution: Resolution, off: readonly OffPart[]): Promise<void> {
  const lines = off.reduce((sum, each) => sum + each.lines.length, 0)
  const limit = new WorkLimit(COMPARISONS_PER_LINE * lines + COMPARISONS_AT_LEAST)
  const known = new KnownDigests(resolution)
  let open: Fork[] = []
  // The sort keeps key order among forks of one beginning.
  for (const fork of off.filter(isFork).toSorted((a, b) => a.range.from - b.range.from)) {
    const {from} = fork.range
    open = open.filter((each) => each.range.to > from)
    limit.spend(open.length, fork.part)
    for (const earlier of open) {
      const digest = await known.at(earlier, from)
      if (digest !== undefined && digest !== fork.range.before) continue
      const first = lineAt(earlier, from)
      const count = sharedLines(earlier, first, fork)
      limit.spend(count, fork.part)
      if (digest === undefined && (count < fork.lines.length || known.hasPredecessor(fork))) continue
      markRepeats(earlier, first, fork, count)
      if (count === fork.lines.length) known.learn(earlier, fork.range)
      if (first + count === earlier.lines.length) known.learn(fork, earlier.range)
    }
    open.push(fork)
  }
}

/** How many lines both have, from a line of the one and the first of the other on. */
function sharedLines(one: Fork, first: number, other: Fork): number {
  for (let count = 0; ; count++) {
    const [a, b] = [one.lines[first + count], other.lines[count]]
    if (!a || a.key !== b?.key || a.length !== b.length) return count
  }
}

function markRepeats(one: Fork, first: number, other: Fork, count: number): void {
  const [repeating, offset] = compareNames(one.part, other.part) < 0 ? [other, 0] : [one, first]
  for (let index = 0; index < count; index++) repeating.repeats.add(offset + index)
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

/**
 * Digests of the transcript along forks. Where what came before a fork is gone, they are known at its own ends, and where a fork ends that
 * it goes through.
 */
class KnownDigests {
  readonly #resolution: Resolution
  readonly #learned = new Map<Fork, Map<number, string>>()
  /** Where listed parts end. */
  readonly #ends: ReadonlySet<string>

  constructor(resolution: Resolution) {
    this.#resolution = resolution
    const {slices, covered, fenced, forks} = resolution
    const parts = [...slices.map(({part}) => part), ...covered, ...fenced, ...forks]
    this.#ends = new Set(parts.map(({range: {to, after}}) => `${to}:${after}`))
  }

  /** Some listed part ends where the fork begins. */
  hasPredecessor({range: {from, before}}: Fork): boolean {
    return this.#ends.has(`${from}:${before}`)
  }

  /** @param offset between the fork's ends */
  async at(fork: Fork, offset: number): Promise<string | undefined> {
    if (offset === fork.range.from) return fork.range.before
    const {links, digests} = this.#resolution
    const link = links.get(fork.part.name)
    return link ? digests.at(link, offset) : this.#learned.get(fork)?.get(offset)
  }

  /** The fork has all bytes of a range that it agrees with. */
  learn(fork: Fork, {to, after}: RangedPart['range']): void {
    const learned = this.#learned.get(fork)
    if (learned) learned.set(to, after)
    else this.#learned.set(fork, new Map([[to, after]]))
  }
}
