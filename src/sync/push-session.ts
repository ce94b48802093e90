import {hasCode, RepriseError} from '../base/errors.js'
import type {Measure} from '../store/bytes.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {PartListing, SessionListing} from '../store/parts.js'
import {lastMs, nextMs} from '../store/write-part.js'
import type {LocalSession, LocalSubagent} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {leaseTable, type SyncContext, writeContext} from './context.js'
import {settleTranscript} from './beside.js'
import type {Inspect} from './inspect.js'
import type {Extent} from './compare.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import {fingerprint, type PlannedTranscript, planPush} from './plan-push.js'
import {pushFiles} from './push-files.js'
import {pushMetadata} from './push-metadata.js'
import {appendLoose, appendTail, diverged, rebaseToLocal} from './push-transcript.js'
import {isSeen} from './seen.js'
import {freeLease, isAssured, underLease} from './session-lease.js'
import {storeSummary} from './store-summary.js'
import {type SessionState, type TranscriptState, transcriptState, withTranscriptState} from './sync-state.js'

const MAX_TRIES = 5
/** Pushes in a row that may have died. */
const MAX_INTENDED = 16

export type PushAction = 'pushed' | 'unchanged' | 'behind' | 'replaced' | 'merged' | 'forked' | 'diverged' | 'failed'

export interface PushedSession {
  readonly sessionId: string
  readonly projectKey: string
  readonly action: PushAction
  readonly bytesUploaded: number
  readonly partsCreated: number
  readonly entries: number
}

export interface PushOptions {
  readonly merge?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly inspect?: Inspect
  /** Shown in listings. */
  readonly task?: string | undefined
  readonly name?: string | undefined
  readonly look?: SessionLook
}

/**
 * What one look at many sessions told of this one. It may be minutes old: it decides what is unchanged, but before something is
 * written the session is listed again.
 */
export interface SessionLook {
  readonly listing: SessionListing
  /** Version of the session's lease record, which was listed after the parts; undefined when there is none. */
  readonly lease: string | undefined
}

interface Outcome {
  readonly action: PushAction
  readonly bytes: number
  readonly parts: number
  readonly entries: number
  readonly state: TranscriptState
}

/**
 * Stores what of a session is not stored yet: attachments first, then subagents, then the main transcript. Idempotent; two at once
 * end with every line once.
 *
 * @throws LEASE_HELD, SESSION_DIVERGED, SECRETS_FOUND, and what store and file system throw.
 */
export async function pushSession(
  context: SyncContext,
  session: LocalSession,
  options: PushOptions = {},
): Promise<PushedSession> {
  const {sessionId, projectKey} = session
  const before = await context.state.read(sessionId)
  const homeKey = await homeOf(context, session, before, options)
  const run = new SessionPush(context, session, before, homeKey, options)
  const outcomes = await run.push()
  const sum = (pick: (each: Outcome) => number): number => outcomes.reduce((total, each) => total + pick(each), 0)
  return {
    sessionId,
    projectKey,
    action: mostTelling(outcomes.map((each) => each.action)),
    bytesUploaded: sum((each) => each.bytes),
    partsCreated: sum((each) => each.parts),
    entries: sum((each) => each.entries),
  }
}

async function homeOf(
  {homes}: SyncContext,
  {sessionId, projectKey}: LocalSession,
  {homeKey}: SessionState,
  {dryRun, look}: PushOptions,
): Promise<string> {
  const known = look?.listing.ref.homeKey ?? homeKey
  if (known !== undefined) return known
  if (dryRun) return (await homes.find(sessionId, projectKey)) ?? projectKey
  return homes.settle(sessionId, projectKey)
}

const TELLING: readonly PushAction[] = [
  'failed',
  'diverged',
  'merged',
  'replaced',
  'forked',
  'pushed',
  'behind',
  'unchanged',
]

function mostTelling(actions: readonly PushAction[]): PushAction {
  return TELLING.find((action) => actions.includes(action)) ?? 'unchanged'
}

class SessionPush {
  readonly #context: SyncContext
  readonly #session: LocalSession
  readonly #options: PushOptions
  readonly #before: SessionState
  #state: SessionState
  #measured: ReadonlyMap<number, Measure> = new Map()
  /** The state on disk names something that is over by now. */
  #intended = false

  constructor(
    context: SyncContext,
    session: LocalSession,
    before: SessionState,
    homeKey: string,
    options: PushOptions,
  ) {
    this.#context = context
    this.#session = session
    this.#before = before
    this.#state = {...before, homeKey, ...labelled(before, options)}
    this.#options = options
  }

  async push(): Promise<Outcome[]> {
    const {sessionId, subagents, main} = this.#session
    const ref = {homeKey: this.#state.homeKey ?? this.#session.projectKey, sessionId}
    const outcomes: Outcome[] = []
    const listing = this.#options.look?.listing ?? (await this.#context.parts.listSession(ref))
    if (!this.#options.dryRun) {
      const files = await pushFiles(this.#context, this.#session, this.#state, this.#options.inspect)
      if (files.bytes + files.parts > 0) outcomes.push({action: 'pushed', ...files, entries: 0, state: {}})
      this.#state = {...this.#state, files: files.files}
    }
    for (const subagent of subagents) outcomes.push(await this.#pushOne(listing, subagent.transcript, subagent))
    if (main) outcomes.push(await this.#pushOne(listing, main))
    if (!this.#options.dryRun) await this.#remember()
    return outcomes
  }

  /** A session that is as it was costs no write. */
  async #remember(): Promise<void> {
    if (this.#intended || JSON.stringify(this.#state) !== JSON.stringify(this.#before)) {
      await this.#context.state.write(this.#session.sessionId, this.#state)
    }
  }

  async #pushOne(listing: SessionListing, file: LocalFile, subagent?: LocalSubagent): Promise<Outcome> {
    const subpath = subagent?.subpath
    const before = transcriptState(this.#state, this.#session.projectKey, subpath)
    const ref = {...listing.ref, ...(subpath !== undefined && {subpath})}
    const listed = listing.transcripts.find((each) => each.ref.subpath === subpath)
    let at: PartListing = listed ?? {ref, parts: [], date: listing.date}
    const {look} = this.#options
    const asBefore = look && this.#state.labels === this.#before.labels && isSeen(before, at, file, look.lease)
    if (asBefore) return this.#metadataAlone(at, subagent, before)
    await using local = await openLocalTranscript(file.path, this.#context.uid)
    let outcome: Outcome | undefined
    let fresh = this.#options.look === undefined
    for (let tries = 0; !outcome && tries < MAX_TRIES; tries++) {
      outcome = await this.#step(local, at, before, fresh).catch(unlessMoved)
      if (!outcome) at = await this.#context.parts.list(ref)
      fresh = true
    }
    if (!outcome) throw busy(this.#session.sessionId)
    const metadata = this.#options.dryRun ? before.metadata : await pushMetadata(this.#context, at, subagent, before)
    const state = {...outcome.state, ...(metadata !== undefined && {metadata})}
    this.#state = withTranscriptState(this.#state, this.#session.projectKey, subpath, state)
    const isNews = outcome.bytes > 0 || this.#state.labels !== this.#before.labels
    if (!subagent && isNews && outcome.action !== 'behind' && !this.#options.dryRun) await this.#summarize(local, at)
    return {...outcome, state}
  }

  /** The transcript is as it was; what Claude keeps beside it may not be. */
  async #metadataAlone(
    at: PartListing,
    subagent: LocalSubagent | undefined,
    before: TranscriptState,
  ): Promise<Outcome> {
    const metadata = this.#options.dryRun ? before.metadata : await pushMetadata(this.#context, at, subagent, before)
    const state = {...before, ...(metadata !== undefined && {metadata})}
    this.#state = withTranscriptState(this.#state, this.#session.projectKey, subagent?.subpath, state)
    return {...nothing, state}
  }

  /**
   * @param fresh the listing was made for this step: it may be written on.
   * @returns undefined when others moved parts: list again.
   */
  async #step(
    local: LocalTranscript,
    listing: PartListing,
    before: TranscriptState,
    fresh: boolean,
  ): Promise<Outcome | undefined> {
    const {dryRun, merge} = this.#options
    const planned = await planPush(this.#context.parts, local, listing, before, this.#alsoMeasured(local))
    const {plan} = planned
    this.#measured = planned.measured
    switch (plan.step) {
      case 'behind':
        return this.#stored(listing, planned, () => ({...nothing, action: 'behind', state: before}))
      case 'nothing':
        return this.#stored(listing, planned, (lease) => ({
          ...nothing,
          state: this.#agreed(local, listing, storedExtent(planned) ?? this.#extentOf(local), before, lease),
        }))
      case 'append':
      case 'append-loose': {
        if (dryRun) {
          const [from, to] = [plan.from, local.length].map((at) => planned.measured.get(at)?.entries ?? 0)
          const entries = (to ?? 0) - (from ?? 0)
          return {action: 'pushed', bytes: local.length - plan.from, parts: 1, entries, state: before}
        }
        if (!fresh && (await this.#hasMoved(listing))) return undefined
        await this.#inspect(local, planned, plan.from)
        return this.#append(local, listing, planned, plan, before)
      }
      case 'rebase':
      case 'refuse': {
        if (!fresh && (await this.#hasMoved(listing))) return undefined
        if (plan.step === 'refuse' && !merge) throw diverged(this.#session.sessionId, plan.local, plan.stored)
        const action = plan.step === 'refuse' || plan.to === 'union' ? 'merged' : 'replaced'
        if (dryRun) return {action, bytes: local.length, parts: 1, entries: 0, state: before}
        await this.#inspect(local, planned, 0)
        await this.#intend(local, listing.ref.subpath)
        const rebased = await underLease(this.#context, this.#session.sessionId, (lease) =>
          rebaseToLocal(this.#context, lease, local, listing, before, merge ?? false),
        )
        const {agreed: _agreed, seen: _seen, intended: _intended, ...rest} = before
        const mine = rebased?.target === 'local' ? this.#extentOf(local) : undefined
        const state = {...rest, ...(mine && {agreed: {local: mine, stored: mine}})}
        return {...(rebased?.uploaded ?? nothing), action: rebased ? action : 'unchanged', state}
      }
    }
  }

  async #append(
    local: LocalTranscript,
    listing: PartListing,
    planned: PlannedTranscript,
    {step, from}: {readonly step: 'append' | 'append-loose'; readonly from: number},
    before: TranscriptState,
  ): Promise<Outcome | undefined> {
    const ms = nextMs(this.#context.clock, lastMs(listing), listing.date)
    const found = await freeLease(this.#context, this.#session.sessionId)
    if (!(await isAssured(this.#context, listing, planned.view, found?.record))) {
      await this.#settle(listing)
      return undefined
    }
    if (step === 'append-loose') {
      const uploaded = await appendLoose(this.#context, local, listing, from)
      return {...uploaded, action: 'pushed', state: before}
    }
    await this.#intend(local, listing.ref.subpath)
    const appended = await appendTail(this.#context, local, listing, planned, from, found?.record, ms)
    if (!appended) return undefined
    const {uploaded, name} = appended
    const parts = [...listing.parts, {name, size: local.length - from}]
    const mine = this.#extentOf(local)
    return {...uploaded, action: 'pushed', state: this.#agreed(local, {parts}, mine, before, found?.version)}
  }

  /** All of the local file is stored, and stays so; a tail of a cut-off holder is settled first. */
  async #stored(
    listing: PartListing,
    {view}: PlannedTranscript,
    outcome: (lease: string | undefined) => Outcome,
  ): Promise<Outcome | undefined> {
    const {dryRun, look} = this.#options
    if (dryRun || (look && look.lease === undefined)) return outcome(undefined)
    const found = await leaseTable(this.#context).read(this.#session.sessionId)
    if (await isAssured(this.#context, listing, view, found?.record)) return outcome(found?.version)
    await this.#settle(listing)
    return undefined
  }

  async #hasMoved(listing: PartListing): Promise<boolean> {
    return fingerprint((await this.#context.parts.list(listing.ref)).parts) !== fingerprint(listing.parts)
  }

  async #settle({ref, parts}: PartListing): Promise<void> {
    await underLease(this.#context, this.#session.sessionId, async (lease) => {
      const transcript = new LeasedTranscript(writeContext(this.#context), lease, ref)
      await settleTranscript(this.#context, transcript, parts)
      await transcript.tidy()
    })
  }

  async #inspect(local: LocalTranscript, {measured}: PlannedTranscript, from: number): Promise<void> {
    const firstLine = (measured.get(from)?.entries ?? 0) + 1
    await this.#options.inspect?.(local.read(from, local.length), {file: local.file.path, firstLine})
  }

  /**
   * On record before it is written: when this process dies in between, the next one still knows that what it finds in the store may be
   * this file as it was.
   */
  async #intend(local: LocalTranscript, subpath: string | undefined): Promise<void> {
    const mine = this.#extentOf(local)
    if (!mine) return
    const {sessionId, projectKey} = this.#session
    const known = transcriptState(this.#state, projectKey, subpath)
    const intended = [...(known.intended ?? []), mine].slice(-MAX_INTENDED)
    this.#intended = true
    const state = withTranscriptState(this.#state, projectKey, subpath, {...known, intended})
    await this.#context.state.write(sessionId, state)
  }

  #extentOf(local: LocalTranscript): Extent | undefined {
    const digest = this.#measured.get(local.length)?.digest
    return digest === undefined ? undefined : {length: local.length, digest}
  }

  #agreed(
    local: LocalTranscript,
    {parts}: {readonly parts: readonly {readonly name: string; readonly size: number}[]},
    stored: Extent | undefined,
    before: TranscriptState,
    lease: string | undefined,
  ): TranscriptState {
    const mine = this.#extentOf(local)
    const {size, mtimeMs, ino, dev} = local.file
    const file = {size, mtimeMs, ino, dev}
    const {torn} = local
    const {intended, ...rest} = before
    return {
      ...rest,
      ...(!(mine && stored) && intended && {intended}),
      ...(mine && stored && {agreed: {local: mine, stored}}),
      seen: {listing: fingerprint(parts), ...file, ...(torn > 0 && {torn}), ...(lease !== undefined && {lease})},
    }
  }

  #alsoMeasured(local: LocalTranscript): number[] {
    const summarized = this.#state.summary?.value.bytes ?? 0
    return local.file.path === this.#session.main?.path && summarized <= local.length ? [summarized] : []
  }

  async #summarize(local: LocalTranscript, {ref, parts}: PartListing): Promise<void> {
    const {task, name} = this.#state.labels ?? {}
    const labels = {parts: parts.length + 1, ...(task !== undefined && {task}), ...(name !== undefined && {name})}
    this.#state = await storeSummary(this.#context, ref, local, this.#measured, this.#state, labels)
  }
}

/** A part that went away while it was read was merged or displaced by others: list again. */
function unlessMoved(error: unknown): undefined {
  if (!hasCode(error, 'OBJECT_NOT_FOUND')) throw error
}

/** New labels make the summary news; without any the earlier ones stay. */
function labelled({labels}: SessionState, {task, name}: PushOptions): Pick<SessionState, 'labels'> {
  const told = {...labels, ...(task !== undefined && {task}), ...(name !== undefined && {name})}
  const isNews = told.task !== labels?.task || told.name !== labels?.name
  return isNews ? {labels: told} : {}
}

/** What was found stored, where readers are given the path alone. */
function storedExtent({view}: PlannedTranscript): Extent | undefined {
  if (!view?.delivery.straight) return undefined
  return {length: view.resolution.length, digest: view.resolution.digest}
}

const nothing = {action: 'unchanged', bytes: 0, parts: 0, entries: 0} as const

function busy(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_BUSY',
    message: `session ${sessionId} kept changing in the store while it was pushed`,
    suggestions: ['Run the command again.'],
  })
}
