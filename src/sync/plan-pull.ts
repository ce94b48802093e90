import {measure} from '../store/bytes.js'
import {listedEnds, listedPrefix} from '../store/listed-prefix.js'
import type {PartListing, Parts} from '../store/parts.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {agreements, compareTranscripts, type Relation, type StoredSide, type Surplus} from './compare.js'
import type {LocalTranscript} from './local-transcript.js'
import {storedSide} from './stored-side.js'
import type {TranscriptState} from './sync-state.js'

/** What a pull does to one transcript that is here already. */
export type PullPlan =
  | {readonly step: 'nothing'; readonly because: 'equal' | 'ahead'}
  /** The local file is the beginning of what is stored. */
  | {readonly step: 'append'; readonly from: number}
  | {readonly step: 'take'}
  | {readonly step: 'union'; readonly surplus: Surplus}
  | {readonly step: 'refuse'; readonly local: Surplus; readonly stored: Surplus}

export interface PlannedPull {
  readonly plan: PullPlan
  /** Where a listing was not enough. */
  readonly stored?: {readonly view: TranscriptView; readonly side: StoredSide}
}

export async function planPull(
  parts: Parts,
  local: LocalTranscript,
  listing: PartListing,
  state: TranscriptState,
): Promise<PlannedPull> {
  const ends = listedEnds(listing.parts)
  const measured = await measure(
    local,
    ends.filter((end) => end <= local.length),
  )
  const prefix = listedPrefix(listing.parts, measured)
  if (prefix !== undefined) return {plan: {step: 'nothing', because: prefix === local.length ? 'equal' : 'ahead'}}
  const view = await viewTranscript(parts, listing.ref, {listing})
  const side = await storedSide(view, parts)
  return {plan: pullRow(await compareTranscripts(local, side, agreements(state)), local.length), stored: {view, side}}
}

/** The pull column of the table. Pure. */
export function pullRow(relation: Relation, localLength: number): PullPlan {
  switch (relation.kind) {
    case 'equal':
    case 'same-entries':
      return {step: 'nothing', because: 'equal'}
    case 'local-extends':
    case 'local-more':
    case 'rewritten':
      return {step: 'nothing', because: 'ahead'}
    case 'stored-extends':
      return {step: 'append', from: localLength}
    case 'stored-more':
      return {step: 'take'}
    case 'bookkeeping':
      return {step: 'union', surplus: relation.stored}
    case 'diverged':
      return {step: 'refuse', local: relation.local, stored: relation.stored}
  }
}
