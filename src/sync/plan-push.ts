import {sha256Hex} from '../base/hash.js'
import {type Measure, measure} from '../store/bytes.js'
import {listedEnds, listedPrefix} from '../store/listed-prefix.js'
import type {ListedPart} from '../store/part.js'
import type {PartListing, Parts} from '../store/parts.js'
import {appendPoint} from '../store/unleased.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {agreements, compareTranscripts, type Relation, type Surplus} from './compare.js'
import type {LocalTranscript} from './local-transcript.js'
import {storedSide} from './stored-side.js'
import type {TranscriptState} from './sync-state.js'

/** What a push does to one transcript. */
export type TranscriptPlan =
  | {readonly step: 'nothing'; readonly because: 'equal' | 'same-entries'}
  /** Upload the bytes from `from` on, behind the path's end. */
  | {readonly step: 'append'; readonly from: number}
  /** The same where loose or forked parts stand. */
  | {readonly step: 'append-loose'; readonly from: number}
  | {readonly step: 'behind'}
  | {readonly step: 'rebase'; readonly to: 'local' | 'union'; readonly surplus?: Surplus}
  | {readonly step: 'refuse'; readonly local: Surplus; readonly stored: Surplus}

export interface PlannedTranscript {
  readonly plan: TranscriptPlan
  readonly measured: ReadonlyMap<number, Measure>
  /** Where a listing was not enough. */
  readonly view?: TranscriptView
}

/**
 * The row of "local against stored" that a push finds itself in. One pass over the local file; the store is asked for more than the
 * listing only when the names of the parts do not match the file.
 *
 * @param alsoAt offsets of the local file to be measured for other purposes.
 */
export async function planPush(
  parts: Parts,
  local: LocalTranscript,
  listing: PartListing,
  state: TranscriptState,
  alsoAt: readonly number[] = [],
): Promise<PlannedTranscript> {
  const offsets = [0, ...listedEnds(listing.parts), ...alsoAt, local.length].filter((end) => end <= local.length)
  const measured = await measure(local, offsets)
  const stored = listedPrefix(listing.parts, measured)
  if (stored !== undefined) {
    const plan: TranscriptPlan =
      stored === local.length ? {step: 'nothing', because: 'equal'} : {step: 'append', from: stored}
    return {plan, measured}
  }
  const view = await viewTranscript(parts, listing.ref, {listing})
  const side = await storedSide(view, parts)
  const {length} = side.bytes
  const relation = await compareTranscripts(local, side, agreements(state))
  const goesOn = relation.kind === 'local-extends' && !measured.has(length)
  const there = goesOn ? await measure(local, [length]) : []
  return {
    plan: pushRow(relation, length, appendPoint(view) !== undefined),
    measured: new Map([...measured, ...there]),
    view,
  }
}

/** The push column of the table. Pure. */
export function pushRow(relation: Relation, storedLength: number, oneChain: boolean): TranscriptPlan {
  switch (relation.kind) {
    case 'equal':
      return {step: 'nothing', because: 'equal'}
    case 'same-entries':
      return {step: 'nothing', because: 'same-entries'}
    case 'local-extends':
      return {step: oneChain ? 'append' : 'append-loose', from: storedLength}
    case 'stored-extends':
    case 'stored-more':
      return {step: 'behind'}
    case 'rewritten':
    case 'local-more':
      return {step: 'rebase', to: 'local'}
    case 'bookkeeping':
      return {step: 'rebase', to: 'union', surplus: relation.stored}
    case 'diverged':
      return {step: 'refuse', local: relation.local, stored: relation.stored}
  }
}

/** A listing as one short text: equal texts, equal parts. */
export function fingerprint(parts: readonly Pick<ListedPart, 'name' | 'size'>[]): string {
  return sha256Hex(parts.map(({name, size}) => `${name}:${size}\n`).join(''))
}
