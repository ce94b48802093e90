import type {ObjectStore} from '../object-store/object-store.js'
import {hasCode} from '../base/errors.js'
import {transcriptPrefix, type TranscriptRef} from './names.js'
import {decodeRange, encodeRange, listedPart, type RangedPart, sameWrite} from './part.js'
import type {Parts} from './parts.js'
import {asksForLeaseEpoch, type CompactionPolicy, type Merge, planCompaction} from './plan-compaction.js'
import {othersWroteLately} from './recent-writers.js'
import {type TranscriptView, viewTranscript} from './view.js'

const GRACE_MS = 60_000
const CONTENT_TYPE = 'application/x-ndjson'

export interface CompactionContext {
  readonly parts: Parts
  /** This machine's name: what others wrote lately is given its grace. */
  readonly machine: string
}

export interface CompactionOptions extends CompactionPolicy {
  /**
   * How old a merge must be before its inputs are deleted, ms by the store's clock: a reader that knows nothing of merges fails when
   * what it has listed goes. Default: 60,000 where another wrote in the last ten minutes or holds the lease, else 0.
   */
  readonly grace?: number | undefined
  /** Another holds the session's lease. */
  readonly isHeld?: boolean
  /** Reads the epoch of the session's lease record, where a plan depends on it (`CompactionPolicy.leaseEpoch`). */
  readonly readLeaseEpoch?: (() => Promise<number | undefined>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Compacted {
  /** Parts of the transcript before and after. */
  readonly before: number
  readonly after: number
  readonly merged: number
  readonly bytesWritten: number
  readonly deleted: number
  readonly bytesDeleted: number
  /** Deletes that wait for their grace. */
  readonly waiting: readonly string[]
  /** By the store's clock, when the last of them may be done. */
  readonly waitUntil: number
}

/**
 * Merges runs of a transcript's parts. Needs no lease: a merge changes nothing that readers are given, several compactors meet in an
 * object that is there already, and one that dies leaves copies, which the next one removes.
 *
 * @throws OBJECT_NOT_FOUND when an input went meanwhile: plan again.
 */
export async function compactTranscript(
  context: CompactionContext,
  ref: TranscriptRef,
  options: CompactionOptions = {},
): Promise<Compacted> {
  return compactView(context, await viewTranscript(context.parts, ref, {journals: 'always'}), options)
}

/** The same, as a view shows the transcript, which was made with its journals. */
export async function compactView(
  {parts, machine}: CompactionContext,
  view: TranscriptView,
  options: CompactionOptions = {},
): Promise<Compacted> {
  const plan = planCompaction(view, await withLeaseEpoch(view, options))
  const grace = options.grace ?? (options.isHeld ? GRACE_MS : graceFor(view, machine))
  // A store that answers with an older date than it keeps has no part in a grace of nothing.
  const due = plan.leftovers.filter(({cover}) => grace === 0 || cover.modified + grace <= view.listing.date)
  const removal = new Removal(parts.store)
  await removal.remove(due.map(({part}) => part))
  for (const {part, cover} of plan.leftovers)
    if (!due.some((each) => each.part === part)) removal.wait([part], cover.modified + grace)
  let [made, merged, bytesWritten] = [0, 0, 0]
  for (const merge of plan.merges) {
    options.signal?.throwIfAborted()
    const date = await commitMerge(parts, view.ref, merge, options.signal)
    if (date === undefined) continue
    made++
    merged += merge.inputs.length
    bytesWritten += merge.size
    if (grace === 0) await removal.remove(merge.inputs)
    else removal.wait(merge.inputs, date + grace)
  }
  const {deleted, bytesDeleted, waiting, waitUntil} = removal
  const before = view.parts.length
  const after = before + made - deleted
  return {before, after, merged, bytesWritten, deleted, bytesDeleted, waiting, waitUntil}
}

/** The policy, with what the lease record says now where that matters: after the view was listed. */
export async function withLeaseEpoch(
  view: TranscriptView,
  {readLeaseEpoch, ...policy}: CompactionOptions,
): Promise<CompactionPolicy> {
  if (!readLeaseEpoch || policy.leaseEpoch !== undefined || !asksForLeaseEpoch(view)) return policy
  return {...policy, leaseEpoch: await readLeaseEpoch()}
}

/** Deletes that have had their grace. @returns how many were done. */
export async function finishCompaction(parts: Parts, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0
  const {failed} = await parts.store.delete(keys)
  return keys.length - failed.length
}

/**
 * One new object with the bytes of the inputs, never in the place of another.
 *
 * @returns the store's clock when it was there; undefined when its name is taken by other bytes.
 */
async function commitMerge(
  parts: Parts,
  ref: TranscriptRef,
  {inputs, name, range}: Merge,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const key = transcriptPrefix(ref) + name
  const metadata = encodeRange(range)
  const request = signal ? {signal} : {}
  try {
    const mode = {type: 'create'} as const
    const {date} = await parts.store.join(inputs, key, {mode, metadata, contentType: CONTENT_TYPE, ...request})
    return date
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    const there = await parts.store.head(key, request)
    if (!there) return undefined
    const found = decodeRange(listedPart(key, there.size, there.etag, there.modified), there.metadata)
    return found && sameWrite(found, range) ? there.date : undefined
  }
}

/** How long parts stay that readers in flight may have listed, ms: where another wrote lately. */
export function graceFor(view: TranscriptView, machine: string): number {
  return othersWroteLately(view, machine) ? GRACE_MS : 0
}

/** Deletes that are done, and those that are not yet. */
class Removal {
  readonly #store: ObjectStore
  readonly waiting: string[] = []
  waitUntil = 0
  deleted = 0
  bytesDeleted = 0

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async remove(parts: readonly RangedPart[]): Promise<void> {
    if (parts.length === 0) return
    const {failed} = await this.#store.delete(parts.map(({key}) => key))
    const left = new Set(failed.map(({key}) => key))
    const gone = parts.filter(({key}) => !left.has(key))
    this.deleted += gone.length
    this.bytesDeleted += gone.reduce((sum, {size}) => sum + size, 0)
  }

  wait(parts: readonly RangedPart[], until: number): void {
    this.waiting.push(...parts.map(({key}) => key))
    this.waitUntil = Math.max(this.waitUntil, until)
  }
}
