import {RepriseError} from '../base/errors.js'
import type {Measure} from '../store/bytes.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {PartListing, SessionListing} from '../store/parts.js'
import type {LocalSession, LocalSubagent} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import {type SyncContext, writeContext} from './context.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import {fingerprint, type PlannedTranscript, planPush} from './plan-push.js'
import {pushFiles} from './push-files.js'
import {pushMetadata} from './push-metadata.js'
import {appendLoose, appendTail, diverged, endRange, rebaseToLocal} from './push-transcript.js'
import {freeLease, isAssured, underLease} from './session-lease.js'
import {storeSummary} from './store-summary.js'
import type {SessionState, TranscriptState} from './sync-state.js'

const MAX_TRIES = 5

export type PushAction = 'pushed' | 'unchanged' | 'behind' | 'replaced' | 'merged' | 'forked' | 'diverged' | 'failed'

export interface PushedSession {
  readonly sessionId: string
  readonly projectKey: string
  readonly action: PushAction
  readonly bytesUploaded: number
  readonly partsCreated: number
  readonly entries: number
}

/** Looks at what is about to leave this machine. @throws SECRETS_FOUND when that must not happen. */
export type Inspect = (chunks: AsyncIterable<Uint8Array>, at: {file: string; firstLine: number}) => Promise<void>

export interface PushOptions {
  readonly merge?: boolean
  readonly dryRun?: boolean
  readonly inspect?: Inspect
  /** Shown in listings. */
  readonly task?: string
  readonly name?: string
  /** Made a moment ago, for many sessions at once. */
  readonly listing?: SessionListing
  /** The lease records were listed too: what a listing finds equal is stored, without another look. */
  readonly assured?: boolean
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
  const run = new SessionPush(context, session, {...before, homeKey}, options)
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
  {dryRun, listing}: PushOptions,
): Promise<string> {
  const known = listing?.ref.homeKey ?? homeKey
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
  #state: SessionState
  #measured: ReadonlyMap<number, Measure> = new Map()

  constructor(context: SyncContext, session: LocalSession, state: SessionState, options: PushOptions) {
    this.#context = context
    this.#session = session
    this.#state = state
    this.#options = options
  }

  async push(): Promise<Outcome[]> {
    const {sessionId, subagents, main} = this.#session
    const ref = {homeKey: this.#state.homeKey ?? this.#session.projectKey, sessionId}
    const outcomes: Outcome[] = []
    const listing = this.#options.listing ?? (await this.#context.parts.listSession(ref))
    if (!this.#options.dryRun) {
      const files = await pushFiles(this.#context, this.#session, this.#state)
      if (files.bytes + files.parts > 0) outcomes.push({action: 'pushed', ...files, entries: 0, state: {}})
      this.#state = {...this.#state, files: files.files}
    }
    for (const subagent of subagents) outcomes.push(await this.#pushOne(listing, subagent.transcript, subagent))
    if (main) outcomes.push(await this.#pushOne(listing, main))
    if (!this.#options.dryRun) await this.#context.state.write(sessionId, this.#state)
    return outcomes
  }

  async #pushOne(listing: SessionListing, file: LocalFile, subagent?: LocalSubagent): Promise<Outcome> {
    const subpath = subagent?.subpath
    const before = this.#state.transcripts[subpath ?? ''] ?? {}
    const ref = {...listing.ref, ...(subpath !== undefined && {subpath})}
    const listed = listing.transcripts.find((each) => each.ref.subpath === subpath)
    let at: PartListing = listed ?? {ref, parts: [], date: listing.date}
    if (this.#isSeen(before, at, file)) return {...nothing, state: before}
    await using local = await openLocalTranscript(file.path, this.#context.uid)
    let outcome: Outcome | undefined
    for (let tries = 0; !outcome && tries < MAX_TRIES; tries++) {
      outcome = await this.#step(local, at, before)
      if (!outcome) at = await this.#context.parts.list(ref)
    }
    if (!outcome) throw busy(this.#session.sessionId)
    const metadata = this.#options.dryRun ? before.metadata : await pushMetadata(this.#context, at, subagent, before)
    const state = {...outcome.state, ...(metadata !== undefined && {metadata})}
    this.#state = {...this.#state, transcripts: {...this.#state.transcripts, [subpath ?? '']: state}}
    if (!subagent && outcome.bytes > 0 && !this.#options.dryRun) await this.#summarize(local, at)
    return {...outcome, state}
  }

  /** @returns undefined when others moved parts: list again. */
  async #step(local: LocalTranscript, listing: PartListing, before: TranscriptState): Promise<Outcome | undefined> {
    const {dryRun, merge} = this.#options
    const planned = await planPush(this.#context.parts, local, listing, before, this.#alsoMeasured(local))
    const {plan} = planned
    this.#measured = planned.measured
    switch (plan.step) {
      case 'behind':
        return {...nothing, action: 'behind', state: before}
      case 'nothing':
        if (!dryRun && !(await this.#assure(listing))) return undefined
        return {...nothing, state: this.#agreed(local, listing, planned, before)}
      case 'append':
      case 'append-loose': {
        if (dryRun) return {action: 'pushed', bytes: local.length - plan.from, parts: 1, entries: 0, state: before}
        await this.#inspect(local, planned, plan.from)
        return this.#append(local, listing, planned, plan, before)
      }
      case 'rebase':
      case 'refuse': {
        if (plan.step === 'refuse' && !merge) throw diverged(this.#session.sessionId, plan.local, plan.stored)
        const action = plan.step === 'refuse' || plan.to === 'union' ? 'merged' : 'replaced'
        if (dryRun) return {action, bytes: local.length, parts: 1, entries: 0, state: before}
        await this.#inspect(local, planned, 0)
        const uploaded = await underLease(this.#context, this.#session.sessionId, (lease) =>
          rebaseToLocal(this.#context, lease, local, listing, before, merge ?? false),
        )
        const {agreed: _agreed, seen: _seen, ...rest} = before
        return {...(uploaded ?? nothing), action: uploaded ? action : 'unchanged', state: rest}
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
    const found = await freeLease(this.#context, this.#session.sessionId)
    if (step === 'append-loose') {
      const uploaded = await appendLoose(this.#context, local, listing, from)
      return {...uploaded, action: 'pushed', state: before}
    }
    if (found && !isAssured(found.record, await endRange(this.#context, listing))) {
      await this.#settle(listing)
      return undefined
    }
    const {uploaded, name} = await appendTail(this.#context, local, listing, planned, from, found?.record)
    const parts = [...listing.parts, {name, size: local.length - from}]
    return {...uploaded, action: 'pushed', state: this.#agreed(local, {parts}, planned, before)}
  }

  /** Whether what the listing shows stays there; a tail of a cut-off holder is settled first. */
  async #assure(listing: PartListing): Promise<boolean> {
    if (this.#options.assured) return true
    const found = await freeLease(this.#context, this.#session.sessionId)
    if (!found || isAssured(found.record, await endRange(this.#context, listing))) return true
    await this.#settle(listing)
    return false
  }

  async #settle(listing: PartListing): Promise<void> {
    await underLease(this.#context, this.#session.sessionId, (lease) =>
      new LeasedTranscript(writeContext(this.#context), lease, listing.ref).settle(),
    )
  }

  async #inspect(local: LocalTranscript, {measured}: PlannedTranscript, from: number): Promise<void> {
    const firstLine = (measured.get(from)?.entries ?? 0) + 1
    await this.#options.inspect?.(local.read(from, local.length), {file: local.file.path, firstLine})
  }

  #agreed(
    local: LocalTranscript,
    {parts}: {readonly parts: readonly {readonly name: string; readonly size: number}[]},
    {measured, view}: PlannedTranscript,
    before: TranscriptState,
  ): TranscriptState {
    const digest = measured.get(local.length)?.digest
    if (digest === undefined) return before
    const mine = {length: local.length, digest}
    const straight = !view || view.delivery.straight
    const stored = view && straight ? {length: view.resolution.length, digest: view.resolution.digest} : mine
    const {size, mtimeMs, ino, dev} = local.file
    return {
      ...before,
      ...(straight && {agreed: {local: mine, stored: stored.length > mine.length ? stored : mine}}),
      seen: {listing: fingerprint(parts), size, mtimeMs, ino, dev},
    }
  }

  /** Found equal before, and neither side has changed. */
  #isSeen({seen}: TranscriptState, {parts}: PartListing, file: LocalFile): boolean {
    if (!seen || !this.#options.assured) return false
    const sameFile = seen.size === file.size && seen.mtimeMs === file.mtimeMs && seen.ino === file.ino
    return sameFile && seen.dev === file.dev && seen.listing === fingerprint(parts)
  }

  #alsoMeasured(local: LocalTranscript): number[] {
    const summarized = this.#state.summary?.value.bytes ?? 0
    return local.file.path === this.#session.main?.path && summarized <= local.length ? [summarized] : []
  }

  async #summarize(local: LocalTranscript, {ref, parts}: PartListing): Promise<void> {
    const {task, name} = this.#options
    const labels = {parts: parts.length + 1, ...(task !== undefined && {task}), ...(name !== undefined && {name})}
    this.#state = await storeSummary(this.#context, ref, local, this.#measured, this.#state, labels)
  }
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
