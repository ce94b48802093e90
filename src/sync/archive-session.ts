import {hasCode, RepriseError} from '../base/errors.js'
import {MeteredObjectStore} from '../object-store/metered.js'
import {type Archived, archiveTranscript, isArchived} from '../store/archive.js'
import {finishCompaction, graceFor} from '../store/compact-transcript.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {Lease} from '../store/lease.js'
import {type Codec, isMetadataPart} from '../store/part.js'
import {againWhenMoved, type PartListing, Parts, type SessionListing} from '../store/parts.js'
import {readSummary, writeSummary} from '../store/summary-record.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {planArchive} from './archive-plan.js'
import {archiveInUse, findUse} from './archive-use.js'
import {whyKept} from './compact-parts.js'
import type {SessionCompaction} from './compact-session.js'
import {CompactionTally} from './compact-tally.js'
import {type SyncContext, writeContext} from './context.js'
import {underLease} from './session-lease.js'

const MAX_TRIES = 5

export interface ArchiveOptions {
  readonly codec: Codec
  /** What about a session that somebody may still be using: refuse it, leave it and say so, or archive it all the same. */
  readonly inUse: 'refuse' | 'leave' | 'archive'
}

export interface ArchiveSessionOptions extends ArchiveOptions {
  /** How long parts stay that readers in flight may have listed, ms. Default: a minute where another wrote lately, else none. */
  readonly grace?: number | undefined
  /** Tell what would be done. */
  readonly dryRun?: boolean
  readonly signal?: AbortSignal | undefined
}

/**
 * Moves all transcripts of a session to the archive, under its lease. One that is there already stays as it is.
 *
 * @throws ARCHIVE_IN_USE, LEASE_HELD, CONDITIONS_IGNORED, TRANSCRIPT_BUSY, and what store and lease throw. What was done until then
 *   stands, and readers are given the same.
 */
export async function archiveSession(
  context: SyncContext,
  listing: SessionListing,
  options: ArchiveSessionOptions,
): Promise<SessionCompaction> {
  return new Run(context, listing, options).archive()
}

class Run {
  readonly #context: SyncContext
  readonly #listing: SessionListing
  readonly #options: ArchiveSessionOptions
  /** Counts the session's bytes. */
  readonly #meter: MeteredObjectStore
  readonly #parts: Parts
  readonly #tally = new CompactionTally()

  constructor(context: SyncContext, listing: SessionListing, options: ArchiveSessionOptions) {
    const {signal} = options
    this.#context = context
    this.#listing = listing
    this.#options = options
    this.#meter = new MeteredObjectStore(context.store, {clock: context.clock})
    this.#parts = new Parts(this.#meter, signal ? {signal} : {})
  }

  async archive(): Promise<SessionCompaction> {
    const views = await this.#unarchived()
    if (views.length > 0 && (await this.#mayArchive(views))) {
      if (this.#options.dryRun) for (const view of views) await planArchive(this.#parts, view, this.#tally)
      else await this.#archiveAll(views)
    } else for (const {listing} of views) this.#unchanged(listing)
    const {pending, requests} = this.#tally
    return {session: this.#tally.result(this.#listing.ref, this.#meter.totals()), pending, requests}
  }

  async #unarchived(): Promise<readonly TranscriptView[]> {
    const views: TranscriptView[] = []
    for (const listing of this.#listing.transcripts) {
      this.#options.signal?.throwIfAborted()
      // Where every part is empty no request is needed to know.
      const hasBytes = listing.parts.some((part) => part.size > 0 && !isMetadataPart(part))
      const view = hasBytes ? await this.#look(listing) : undefined
      if (view && view.delivery.length > 0 && !isArchived(view)) views.push(view)
      else this.#unchanged(listing)
    }
    return views
  }

  async #look(listing: PartListing): Promise<TranscriptView> {
    let given: PartListing | undefined = listing
    return againWhenMoved(async () => {
      const at = given ?? (await this.#parts.list(listing.ref))
      given = undefined
      return viewTranscript(this.#parts, at.ref, {listing: at, journals: 'always'})
    })
  }

  #unchanged({parts}: PartListing): void {
    this.#tally.counts(parts.length, parts.length)
  }

  async #mayArchive(views: readonly TranscriptView[]): Promise<boolean> {
    const {inUse} = this.#options
    const use = inUse === 'archive' ? undefined : await findUse(this.#context, this.#parts, this.#listing)
    if (use && inUse === 'refuse') throw archiveInUse(this.#listing.ref.sessionId, use)
    const kept = use
      ? 'in-use'
      : await whyKept(
          this.#context,
          views.flatMap(({listing}) => listing.parts),
        )
    if (kept) this.#tally.left.add(kept)
    return kept === undefined
  }

  async #archiveAll(views: readonly TranscriptView[]): Promise<void> {
    const {sessionId} = this.#listing.ref
    await underLease(this.#context, sessionId, async (lease) => {
      for (const {ref, listing} of views) {
        this.#options.signal?.throwIfAborted()
        const left = await this.#archiveOne(lease, listing)
        if (ref.subpath === undefined) await this.#tellParts(left)
      }
    }).catch((error: unknown) => {
      throw hasCode(error, 'LEASE_HELD') ? held(sessionId, error) : error
    })
  }

  /** @returns how many parts the transcript has when all that is needless is gone. */
  async #archiveOne(lease: Lease, {ref, parts}: PartListing): Promise<number> {
    const own = {...this.#context, store: this.#meter, parts: this.#parts}
    const {codec, grace} = this.#options
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const archived = await againWhenMoved(async () => {
        const transcript = new LeasedTranscript(writeContext(own), lease, ref, grace === undefined ? {} : {grace})
        await transcript.settle()
        await transcript.tidy()
        return archiveTranscript(writeContext(own), lease, ref, codec)
      })
      if (!archived) continue
      const before = archived.view.listing.parts.length + 1
      this.#tally.counts(parts.length, before - (await this.#clear(archived)))
      this.#tally.action = 'archived'
      return before - archived.displaced.length
    }
    throw busy(ref.sessionId)
  }

  /** @returns how many parts are gone from beside the archive. */
  async #clear({view, stale, displaced, date}: Archived): Promise<number> {
    const grace = this.#options.grace ?? graceFor(view, this.#context.machine)
    if (grace > 0) {
      this.#tally.waits(view.ref, stale, date + grace)
      this.#tally.waits(view.ref, displaced, date + grace)
      return 0
    }
    const rest = await finishCompaction(this.#parts, stale)
    const gone = rest === stale.length ? await finishCompaction(this.#parts, displaced) : 0
    this.#tally.deleted += rest + gone
    this.#tally.waiting += stale.length + displaced.length - rest - gone
    return gone
  }

  /** For listings: the summary goes by what a push has seen. */
  async #tellParts(parts: number): Promise<void> {
    const {sessionId} = this.#listing.ref
    const summary = await readSummary(this.#meter, sessionId)
    if (summary) await writeSummary(this.#meter, {...summary, parts})
  }
}

function busy(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'TRANSCRIPT_BUSY',
    message: `session ${sessionId}: others keep writing while it is archived; it reads as before`,
    suggestions: ['Run the command again when they are done.', 'reprise status'],
  })
}

/** What it says to resume a session is of no use here. */
function held(sessionId: string, {kind, code, message, details}: RepriseError): RepriseError {
  return new RepriseError({
    kind,
    code,
    message,
    suggestions: [
      'Archive it when that process is done.',
      `When that process is known to be gone: reprise lease release ${sessionId} --force`,
    ],
    details,
  })
}
