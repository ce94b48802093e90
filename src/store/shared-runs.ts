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
 * sorts first, whichever of them begins first.
 */
export async function shareForks(resolution: Resolution, off: readonly OffPart[]): Promise<void> {
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
