import {type Compacted, type CompactionOptions, compactView, withLeaseEpoch} from '../store/compact-transcript.js'
import type {ListedPart} from '../store/part.js'
import type {Parts} from '../store/parts.js'
import {type CompactionPlan, planCompaction} from '../store/plan-compaction.js'
import type {TranscriptView} from '../store/view.js'
import {mayDelete} from '../store/probe.js'
import {type JoinEffort, joinEffort, sumEfforts} from './compact-cost.js'
import type {SyncContext} from './context.js'

/**
 * Why something is left as it is:
 *
 * - `no-delete`: this identity may not delete; a merge would only add copies.
 * - `locked`: Object Lock keeps what is deleted, and every merge would be stored and paid beside it.
 * - `young`: parts of another writer stand beside the chain that may be still at it.
 * - `leased`: such parts, in a session that another holds.
 * - `no-lease`: such parts, in a store that cannot keep a lease.
 * - `in-use`: it is old enough to be archived, but somebody may be using it.
 */
export type LeftReason = 'no-delete' | 'locked' | 'young' | 'leased' | 'no-lease' | 'in-use'

/** Why parts should not be made needless; undefined where nothing speaks against it. One request, and once a store two more. */
export async function whyKept(
  context: Pick<SyncContext, 'store' | 'machine'>,
  parts: readonly ListedPart[],
): Promise<LeftReason | undefined> {
  if (!(await mayDelete(context.store, context.machine))) return 'no-delete'
  // The newest is kept the longest.
  const newest = parts.at(-1)
  const head = newest && (await context.store.head(newest.key))
  return head?.locked ? 'locked' : undefined
}

export interface MergeOptions extends CompactionOptions {
  /** Tell what would be done. */
  readonly dryRun?: boolean
}

export interface MergedParts {
  readonly done: Compacted
  /** What making the merges takes. */
  readonly effort: JoinEffort
}

/**
 * Merges what a view shows.
 *
 * @param parts the way by which it is done.
 * @returns undefined where there is nothing to do.
 * @throws OBJECT_NOT_FOUND when parts went meanwhile: look again.
 */
export async function mergeParts(
  context: Pick<SyncContext, 'store' | 'machine'>,
  parts: Parts,
  view: TranscriptView,
  {dryRun = false, ...options}: MergeOptions,
): Promise<MergedParts | LeftReason | undefined> {
  const policy = await withLeaseEpoch(view, options)
  const plan = planCompaction(view, policy)
  if (plan.merges.length + plan.leftovers.length === 0) return undefined
  const kept = await whyKept(context, view.listing.parts)
  if (kept) return kept
  const effort = sumEfforts(plan.merges.map(({inputs}) => joinEffort(context.store.url, inputs)))
  const done = dryRun
    ? planned(view, plan)
    : await compactView({parts, machine: context.machine}, view, {...options, ...policy})
  return {done, effort}
}

/** As if every delete were due. */
function planned({parts}: TranscriptView, {merges, leftovers}: CompactionPlan): Compacted {
  const merged = merges.reduce((sum, {inputs}) => sum + inputs.length, 0)
  const gone = [...merges.flatMap(({inputs}) => inputs), ...leftovers.map(({part}) => part)]
  return {
    before: parts.length,
    after: parts.length + merges.length - gone.length,
    merged,
    bytesWritten: merges.reduce((sum, {size}) => sum + size, 0),
    deleted: gone.length,
    bytesDeleted: gone.reduce((sum, {size}) => sum + size, 0),
    waiting: [],
    waitUntil: 0,
  }
}
