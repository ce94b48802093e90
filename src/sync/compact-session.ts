import {isDeepStrictEqual} from 'node:util'
import {hasCode} from '../base/errors.js'
import {MeteredObjectStore} from '../object-store/metered.js'
import {isFree} from '../registry/lease-record.js'
import type {SessionLease} from '../registry/session-lease.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {TranscriptRef} from '../store/names.js'
import {compareNames, isMetadataPart, type ListedPart} from '../store/part.js'
import {againWhenMoved, Parts, type SessionListing} from '../store/parts.js'
import {openJournals} from '../store/rebase.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {isBeside} from '../store/settle-transcript.js'
import type {Requests} from './compact-cost.js'
import {type LeftReason, mergeParts, whyKept} from './compact-parts.js'
import {type CompactedSession, CompactionTally, type PendingDeletes} from './compact-tally.js'
import {leaseTable, type SyncContext, writeContext} from './context.js'
import {underLease} from './session-lease.js'

const YOUNG_MS = 10 * 60_000

export interface CompactSessionOptions {
  /** Transcripts of fewer parts are left alone. Default 2. */
  readonly minParts?: number
  /**
   * How old a merge must be before its inputs are deleted, and how old parts beside the chain must be before they are adopted, ms by the
   * store's clock. Default: `CompactionOptions.grace`, and ten minutes.
   */
  readonly grace?: number | undefined
  /** Tell what would be done. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface SessionCompaction {
  readonly session: CompactedSession
  readonly pending: readonly PendingDeletes[]
  /** What the joins took, or with `dryRun` what all that was not done would take. */
  readonly requests: Requests
}

/**
 * Leaves few parts of each transcript of a session: brings into the chain what other writers left beside it, and merges. What readers
 * are given stays the same.
 *
 * @throws what store and lease throw. What was done until then stands.
 */
export async function compactSession(
  context: SyncContext,
  listing: SessionListing,
  options: CompactSessionOptions = {},
): Promise<SessionCompaction> {
  return new Run(context, listing, options).compact()
}

class Run {
  readonly #context: SyncContext
  readonly #listing: SessionListing
  readonly #options: CompactSessionOptions
  readonly #meter: MeteredObjectStore
  /** By a way of its own, which counts the session's bytes. */
  readonly #parts: Parts
  readonly #tally = new CompactionTally()
  #held: Promise<'leased' | undefined> | undefined

  constructor(context: SyncContext, listing: SessionListing, options: CompactSessionOptions) {
    const {signal} = options
    this.#context = context
    this.#listing = listing
    this.#options = options
    this.#meter = new MeteredObjectStore(context.store, {clock: context.clock})
    this.#parts = new Parts(this.#meter, signal ? {signal} : {})
  }

  async compact(): Promise<SessionCompaction> {
    const {minParts = 2} = this.#options
    const beside: TranscriptView[] = []
    for (const transcript of this.#listing.transcripts) {
      if (chained(transcript.parts).length < minParts) {
        this.#tally.counts(transcript.parts.length, transcript.parts.length)
        continue
      }
      this.#options.signal?.throwIfAborted()
      const view = await this.#look(transcript.ref)
      if (needsLease(view)) beside.push(view)
      else await this.#merge(view)
    }
    if (beside.length > 0) await this.#adopt(beside)
    const {pending, requests} = this.#tally
    return {session: this.#tally.result(this.#listing.ref, this.#meter.totals()), pending, requests}
  }

  async #look(ref: TranscriptRef): Promise<TranscriptView> {
    return viewTranscript(this.#parts, ref, {journals: 'always'})
  }

  /** @param before parts that there were before anything was done. */
  async #merge(view: TranscriptView, before = view.listing.parts.length): Promise<void> {
    const {grace, signal, dryRun = false} = this.#options
    const isHeld = (await this.#heldByAnother()) !== undefined
    let given: TranscriptView | undefined = view
    let archived = 0
    const outcome = await againWhenMoved(async () => {
      const fresh = given ?? (await this.#look(view.ref))
      given = undefined
      archived = fresh.archived.length
      return mergeParts(this.#context, this.#parts, fresh, {
        grace,
        isHeld,
        signal,
        dryRun,
        readLeaseEpoch: async () => this.#leaseEpoch(),
      })
    })
    const merged = typeof outcome === 'object' ? outcome : undefined
    this.#tally.counts(before, merged ? merged.done.after - archived : view.listing.parts.length)
    if (typeof outcome === 'string') this.#tally.left.add(outcome)
    if (!merged) return
    this.#tally.merged(view.ref, merged.done)
    this.#tally.takes(merged.effort)
    if (dryRun) this.#tally.wouldTake(merged.effort, merged.done.deleted)
  }

  /** Parts beside chains are for the holder of the lease, when nobody else may be writing them. */
  async #adopt(views: readonly TranscriptView[]): Promise<void> {
    const adopted: TranscriptView[] = []
    for (const view of views) {
      const reason = await this.#whyNotAdopted(view)
      if (reason) this.#tally.left.add(reason)
      if (!reason) adopted.push(view)
      else if (reason === 'leased' || reason === 'no-lease') await this.#merge(view)
      else this.#tally.counts(view.listing.parts.length, view.listing.parts.length)
    }
    if (adopted.length === 0) return
    if (this.#options.dryRun) {
      for (const view of adopted) this.#wouldAdopt(view)
      return
    }
    const own = {...this.#context, store: this.#meter, parts: this.#parts}
    const {sessionId} = this.#listing.ref
    const refused = await underLease(this.#context, sessionId, async (lease) => {
      for (const {ref} of adopted) await this.#settle(own, lease, ref)
    }).then(() => undefined, reasonOf)
    if (refused) this.#tally.left.add(refused)
    else this.#tally.action = 'adopted'
    for (const {ref, listing} of adopted) {
      const view = await this.#look(ref)
      const there = new Set(view.listing.parts.map(({name}) => name))
      this.#tally.deleted += listing.parts.filter(({name}) => !there.has(name)).length
      this.#tally.waiting += view.resolution.displaced.length
      await this.#merge(view, listing.parts.length)
    }
  }

  async #settle(own: SyncContext, lease: SessionLease, ref: TranscriptRef): Promise<void> {
    const {grace, signal} = this.#options
    signal?.throwIfAborted()
    const transcript = new LeasedTranscript(writeContext(own), lease, ref, grace === undefined ? {} : {grace})
    await transcript.settle()
    await transcript.tidy()
  }

  async #whyNotAdopted(view: TranscriptView): Promise<LeftReason | undefined> {
    const {grace: age = YOUNG_MS} = this.#options
    const {loose, forks} = view.resolution
    const {date, parts} = view.listing
    if (age > 0 && [...loose, ...forks].some(({modified}) => modified > date - age)) return 'young'
    return (await this.#heldByAnother()) ?? (await whyKept(this.#context, parts))
  }

  /** What is before the first part beside the chain stays, and is merged; the rest becomes one part. All is read for its digests. */
  #wouldAdopt({listing: {parts}, resolution: {loose, forks}}: TranscriptView): void {
    const chain = chained(parts)
    const [first] = [...loose, ...forks].toSorted(compareNames)
    const kept = chain.filter((part) => first && compareNames(part, first) < 0)
    const [size, keptSize] = [sizeOf(chain), sizeOf(kept)]
    const requests = {list: 4, head: 0, get: 2 * chain.length, put: 8, delete: 0}
    const effort = {requests, moved: kept.length > 1 ? size : size - keptSize, copied: 0}
    this.#tally.counts(parts.length, parts.length - chain.length + 1 + Math.min(1, kept.length))
    this.#tally.deleted += chain.length
    this.#tally.takes(effort)
    this.#tally.wouldTake(effort, chain.length, size)
    this.#tally.action = 'adopted'
  }

  async #leaseEpoch(): Promise<number | undefined> {
    return (await leaseTable(this.#context).read(this.#listing.ref.sessionId))?.record.epoch
  }

  /** One that this process holds, or of a process that is known to be dead, is nobody's. */
  async #heldByAnother(): Promise<'leased' | undefined> {
    this.#held ??= leaseTable(this.#context)
      .read(this.#listing.ref.sessionId)
      .then((found) => {
        if (!found || isFree(found.record, found.date)) return undefined
        const {owner, isDead} = this.#context
        return isDead(found.record.owner) || isDeepStrictEqual(found.record.owner, owner) ? undefined : 'leased'
      })
    return this.#held
  }
}

function sizeOf(parts: readonly ListedPart[]): number {
  return parts.reduce((sum, {size}) => sum + size, 0)
}

/** Parts of the chain, and beside it. */
function chained(parts: readonly ListedPart[]): readonly ListedPart[] {
  return parts.filter((part) => !isMetadataPart(part))
}

/** Parts stand beside the chain, or an adoption was not finished. */
function needsLease(view: TranscriptView): boolean {
  return isBeside(view) || view.resolution.displaced.length > 0 || openJournals(view).length > 0
}

/** Another took the lease meanwhile, or the store cannot keep one: expected, and no failure. */
function reasonOf(error: unknown): LeftReason {
  if (hasCode(error, 'LEASE_HELD', 'LEASE_LOST')) return 'leased'
  if (hasCode(error, 'CONDITIONS_IGNORED')) return 'no-lease'
  throw error
}
