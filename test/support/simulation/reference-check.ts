import type {RangedPart} from '../../../src/store/part.js'
import {isBookkeeping, type LineText} from './lines.js'
import {Violation} from './violation.js'
import {type Checked, PREFIX, type Sight, type View} from './world.js'

/**
 * What a reader gets that knows nothing of merges and takes every part in key order, where holders and compactors alone have left their
 * traces: each line, twice perhaps while inputs are still there beside their merge, and the last line last.
 */
export function checkReference(world: Pick<Checked, 'merged' | 'count'>, sight: Sight): void {
  const {view, delivered, parts} = sight
  const {forks, loose, fenced, displaced, covered, slices} = view.resolution
  if (forks.length + loose.length + fenced.length + displaced.length > 0) return
  const read = view.listing.parts.flatMap(({name}) => parts.get(name) ?? [])
  // What a cut-off writer wrote may be where the path goes on, by chance.
  const epochs = slices.map(({part}) => part.range.epoch)
  if (epochs.some((epoch, at) => epoch < (epochs[at - 1] ?? 0))) return
  if (covered.length === 0 && view.delivery.straight) {
    world.count('reference: exact')
    if (read.join('') !== delivered.join('')) throw new Violation(`C3 another reader gets ${show(read)}`)
  }
  const late = covered.filter((part) => cameLate(world.merged, view, part))
  // Behind a late one of its own epoch a holder has written its next line; one that was cut off may have the path's bytes by chance.
  const isLeased = view.parts.every((part) => 'range' in part && part.range.leased)
  const isLastLast = late.length === 0 || (isLeased && late.every(({range}) => range.epoch >= (epochs.at(-1) ?? 0)))
  if (isLastLast && read.at(-1) !== delivered.at(-1))
    throw new Violation(`C3 another reader's last line is ${read.at(-1)?.trim()}`)
  if (late.length > 0) return
  world.count(covered.length === 0 ? 'reference: single' : 'reference: doubles')
  if (lastOfEach(read).join('') !== delivered.filter((line) => !isBookkeeping(line)).join(''))
    throw new Violation(`C3 another reader gets in another order ${show(read)} of ${show(delivered)}`)
}

/** A line counts where it is read last. */
function lastOfEach(read: readonly LineText[]): LineText[] {
  const last = new Set(read.filter((line) => !isBookkeeping(line)).toReversed())
  return [...last].toReversed()
}

/** A write that landed after the one that was made in its stead; no merge, nor what went into one. */
function cameLate(merged: ReadonlySet<string>, {resolution: {slices}}: View, part: RangedPart): boolean {
  const holder = slices.find(({end}) => part.range.to <= end)?.part
  return holder !== undefined && part.name > holder.name && !merged.has(PREFIX + part.name)
}

export function show(lines: readonly LineText[]): string {
  return `[${lines.map((line) => line.trim().replace(/^.*"(u\d+)".*$/, '$1')).join(' ')}]`
}
