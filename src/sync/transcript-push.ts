import {hasCode, RepriseError} from '../base/errors.js'
import type {Measure} from '../store/bytes.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {PartListing} from '../store/parts.js'
import {restoreArchive} from '../store/restore-archive.js'
import {lastMs, nextMs} from '../store/write-part.js'
import {settleTranscript} from '../store/settle-transcript.js'
import type {Extent} from './compare.js'
import {leaseTable, type SyncContext, writeContext} from './context.js'
import type {Inspect} from './inspect.js'
import type {LocalTranscript} from './local-transcript.js'
import {fingerprint, type PlannedTranscript, planPush} from './plan-push.js'
import {appendLoose, appendTail, diverged, rebaseToLocal} from './push-transcript.js'
import {freeLease, isAssured, underLease} from './session-lease.js'
import type {TranscriptState} from './sync-state.js'

const MAX_TRIES = 5

export interface TranscriptOutcome {
  readonly action: 'pushed' | 'unchanged' | 'behind' | 'replaced' | 'merged'
  readonly bytes: number
  readonly parts: number
  readonly entries: number
  readonly state: TranscriptState
}

export const nothingPushed = {action: 'unchanged', bytes: 0, parts: 0, entries: 0} as const

export interface TranscriptPushOptions {
  /** What earlier runs left in the state. */
  readonly before: TranscriptState
  readonly merge?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly inspect?: Inspect | undefined
  /**
   * Of a look at many sessions that may be minutes old: it decides what is unchanged, but before something is written the transcript
   * is listed again.
   */
  readonly look?: {readonly lease: string | undefined; readonly isNew?: boolean} | undefined
  /** Offsets of the local file to be measured for other purposes. */
  readonly alsoAt?: readonly number[]
  /**
   * Puts on record what is about to be written: when this process dies in between, the next one still knows that what it finds in the
   * store may be this file as it was.
   */
  readonly intend: (mine: Extent) => Promise<void>
}

/** The push of one transcript: a look, and the one step that it calls for, again where others moved parts meanwhile. */
export class TranscriptPush {
  readonly #context: SyncContext
  readonly #local: LocalTranscript
  readonly #options: TranscriptPushOptions
  #listing: PartListing
  #measured: ReadonlyMap<number, Measure> = new Map()

  constructor(context: SyncContext, local: LocalTranscript, listing: PartListing, options: TranscriptPushOptions) {
    this.#context = context
    this.#local = local
    this.#listing = listing
    this.#options = options
  }

  /** The last one that was made. */
  get listing(): PartListing {
    return this.#listing
  }

  /** Of the local file. */
  get measured(): ReadonlyMap<number, Measure> {
    return this.#measured
  }

  /** @throws LEASE_HELD, SESSION_DIVERGED, SESSION_BUSY, SECRETS_FOUND, and what store and file system throw. */
  async push(): Promise<TranscriptOutcome> {
    const {look} = this.#options
    // Of a session that this push is the first to store there is nothing to look at again.
    let fresh = look === undefined || look.isNew === true
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const outcome = await this.#step(fresh).catch(unlessMoved)
      if (outcome) return outcome
      this.#listing = await this.#context.parts.list(this.#listing.ref)
      fresh = true
    }
    throw busy(this.#listing.ref.sessionId)
  }

  /**
   * @param fresh the listing was made for this step: it may be written on.
   * @returns undefined when others moved parts: list again.
   */
  async #step(fresh: boolean): Promise<TranscriptOutcome | undefined> {
    const local = this.#local
    const listing = this.#listing
    const {before, dryRun, merge, alsoAt} = this.#options
    const planned = await planPush(this.#context.parts, local, listing, before, alsoAt)
    const {plan} = planned
    this.#measured = planned.measured
    switch (plan.step) {
      case 'behind':
        return this.#stored(planned, () => ({...nothingPushed, action: 'behind', state: before}))
      case 'nothing':
        return this.#stored(planned, (lease) => ({
          ...nothingPushed,
          state: this.#agreed(listing, storedExtent(planned) ?? this.#mine, lease),
        }))
      case 'append':
      case 'append-loose': {
        if (dryRun) {
          const [from, to] = [plan.from, local.length].map((at) => planned.measured.get(at)?.entries ?? 0)
          const entries = (to ?? 0) - (from ?? 0)
          return {action: 'pushed', bytes: local.length - plan.from, parts: 1, entries, state: before}
        }
        if (!fresh && (await this.#hasMoved())) return undefined
        await this.#inspect(planned, plan.from)
        return this.#append(planned, plan)
      }
      case 'rebase':
      case 'refuse': {
        if (!fresh && (await this.#hasMoved())) return undefined
        if (plan.step === 'refuse' && !merge) throw diverged(listing.ref.sessionId, plan.local, plan.stored)
        const action = plan.step === 'refuse' || plan.to === 'union' ? 'merged' : 'replaced'
        if (dryRun) return {action, bytes: local.length, parts: 1, entries: 0, state: before}
        await this.#inspect(planned, 0)
        await this.#intend()
        const rebased = await underLease(this.#context, listing.ref.sessionId, (lease) =>
          rebaseToLocal(this.#context, lease, local, listing, before, merge ?? false),
        )
        const {agreed: _agreed, seen: _seen, intended: _intended, ...rest} = before
        const mine = rebased?.target === 'local' ? this.#mine : undefined
        const state = {...rest, ...(mine && {agreed: {local: mine, stored: mine}})}
        return {...(rebased?.uploaded ?? nothingPushed), action: rebased ? action : 'unchanged', state}
      }
    }
  }

  async #append(
    planned: PlannedTranscript,
    {step, from}: {readonly step: 'append' | 'append-loose'; readonly from: number},
  ): Promise<TranscriptOutcome | undefined> {
    const local = this.#local
    const listing = this.#listing
    const ms = nextMs(this.#context.clock, lastMs(listing), listing.date)
    const found = await freeLease(this.#context, listing.ref.sessionId)
    if (!(await isAssured(this.#context, listing, planned.view, found?.record))) {
      await this.#settle()
      return undefined
    }
    if (planned.view && planned.view.archived.length > 0) {
      await restoreArchive(this.#context, planned.view)
      return undefined
    }
    if (step === 'append-loose') {
      const uploaded = await appendLoose(this.#context, local, listing, from)
      return {...uploaded, action: 'pushed', state: this.#options.before}
    }
    await this.#intend()
    const appended = await appendTail(this.#context, local, listing, planned, from, found?.record, ms)
    if (!appended) return undefined
    const {uploaded, name} = appended
    const parts = [...listing.parts, {name, size: local.length - from}]
    return {...uploaded, action: 'pushed', state: this.#agreed({parts}, this.#mine, found?.version)}
  }

  /** All of the local file is stored, and stays so; a tail of a cut-off holder is settled first. */
  async #stored(
    {view}: PlannedTranscript,
    outcome: (lease: string | undefined) => TranscriptOutcome,
  ): Promise<TranscriptOutcome | undefined> {
    const listing = this.#listing
    const {dryRun, look} = this.#options
    if (dryRun || (look && look.lease === undefined)) return outcome(undefined)
    const found = await leaseTable(this.#context).read(listing.ref.sessionId)
    if (await isAssured(this.#context, listing, view, found?.record)) return outcome(found?.version)
    await this.#settle()
    return undefined
  }

  async #hasMoved(): Promise<boolean> {
    const {ref, parts} = this.#listing
    return fingerprint((await this.#context.parts.list(ref)).parts) !== fingerprint(parts)
  }

  async #settle(): Promise<void> {
    const {ref} = this.#listing
    await underLease(this.#context, ref.sessionId, async (lease) => {
      const transcript = new LeasedTranscript(writeContext(this.#context), lease, ref)
      await settleTranscript(this.#context, transcript, this.#listing)
      await transcript.tidy()
    })
  }

  async #inspect({measured}: PlannedTranscript, from: number): Promise<void> {
    const firstLine = (measured.get(from)?.entries ?? 0) + 1
    const local = this.#local
    await this.#options.inspect?.(local.read(from, local.length), {file: local.file.path, firstLine})
  }

  async #intend(): Promise<void> {
    if (this.#mine) await this.#options.intend(this.#mine)
  }

  /** The local file as it was measured. */
  get #mine(): Extent | undefined {
    const {length} = this.#local
    const digest = this.#measured.get(length)?.digest
    return digest === undefined ? undefined : {length, digest}
  }

  #agreed(
    {parts}: {readonly parts: readonly {readonly name: string; readonly size: number}[]},
    stored: Extent | undefined,
    lease: string | undefined,
  ): TranscriptState {
    const mine = this.#mine
    const {torn, file: local} = this.#local
    const {size, mtimeMs, ino, dev} = local
    const file = {size, mtimeMs, ino, dev}
    const {intended, ...rest} = this.#options.before
    return {
      ...rest,
      ...(!(mine && stored) && intended && {intended}),
      ...(mine && stored && {agreed: {local: mine, stored}}),
      seen: {listing: fingerprint(parts), ...file, ...(torn > 0 && {torn}), ...(lease !== undefined && {lease})},
    }
  }
}

/** A part that went away while it was read was merged or displaced by others: list again. */
function unlessMoved(error: unknown): undefined {
  if (!hasCode(error, 'OBJECT_NOT_FOUND')) throw error
}

/** What was found stored, where readers are given the path alone. */
function storedExtent({view}: PlannedTranscript): Extent | undefined {
  if (!view?.delivery.straight) return undefined
  return {length: view.resolution.length, digest: view.resolution.digest}
}

function busy(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_BUSY',
    message: `session ${sessionId} kept changing in the store while it was pushed`,
    suggestions: ['Run the command again.'],
  })
}
