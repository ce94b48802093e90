import type {PartListing, SessionListing} from '../store/parts.js'
import type {IndexedSummary} from '../store/summary-index.js'
import type {LocalSession, LocalSubagent} from '../transcript/discover.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {Extent} from './compare.js'
import type {CompactionsBehind} from './compact-behind.js'
import type {SyncContext} from './context.js'
import type {Inspect} from './inspect.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import {pushFiles} from './push-files.js'
import {pushMetadata} from './push-metadata.js'
import {isSeen} from './seen.js'
import {storeSummary} from './store-summary.js'
import {type SessionState, type TranscriptState, transcriptState, withTranscriptState} from './sync-state.js'
import {nothingPushed, type TranscriptOutcome, TranscriptPush} from './transcript-push.js'

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
  readonly look?: SessionLook | undefined
  /** Told of every transcript that was appended to. */
  readonly behind?: CompactionsBehind
  /** Told of the summary that was written. */
  readonly summarized?: (entry: IndexedSummary) => void
}

/**
 * What one look at many sessions told of this one. It may be minutes old: it decides what is unchanged, but before something is
 * written the session is listed again.
 */
export interface SessionLook {
  readonly listing: SessionListing
  /** Version of the session's lease record, which was listed after the parts; undefined when there is none. */
  readonly lease: string | undefined
  /** The store had no trace of it. Who then puts its home key on record is the first to write it. */
  readonly isNew?: boolean
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
  const {homeKey, ...known} = await homeOf(context, session, before, options)
  const run = new SessionPush(context, session, before, homeKey, {...options, ...known})
  const outcomes = await run.push()
  const sum = (pick: (each: TranscriptOutcome) => number): number =>
    outcomes.reduce((total, each) => total + pick(each), 0)
  return {
    sessionId,
    projectKey,
    action: mostTelling(outcomes.map((each) => each.action)),
    bytesUploaded: sum((each) => each.bytes),
    partsCreated: sum((each) => each.parts),
    entries: sum((each) => each.entries),
  }
}

/** Where it lies, with the look at it as far as it still holds. */
async function homeOf(
  {homes}: SyncContext,
  {sessionId, projectKey}: LocalSession,
  {homeKey}: SessionState,
  {dryRun, look}: PushOptions,
): Promise<{readonly homeKey: string; readonly look?: SessionLook | undefined}> {
  if (look?.isNew && !dryRun) {
    const {homeKey: wanted} = look.listing.ref
    const recorded = await homes.create(sessionId, wanted)
    // Another machine was first, maybe under another key: all is to be looked at anew.
    return recorded === undefined ? {homeKey: wanted} : {homeKey: recorded, look: undefined}
  }
  const known = look?.listing.ref.homeKey ?? homeKey
  if (known !== undefined) return {homeKey: known}
  if (dryRun) return {homeKey: (await homes.find(sessionId, projectKey)) ?? projectKey}
  return {homeKey: await homes.settle(sessionId, projectKey)}
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

  async push(): Promise<TranscriptOutcome[]> {
    const {sessionId, subagents, main} = this.#session
    const ref = {homeKey: this.#state.homeKey ?? this.#session.projectKey, sessionId}
    const outcomes: TranscriptOutcome[] = []
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

  async #pushOne(listing: SessionListing, file: LocalFile, subagent?: LocalSubagent): Promise<TranscriptOutcome> {
    const subpath = subagent?.subpath
    const before = transcriptState(this.#state, this.#session.projectKey, subpath)
    const ref = {...listing.ref, ...(subpath !== undefined && {subpath})}
    const listed = listing.transcripts.find((each) => each.ref.subpath === subpath)
    const at: PartListing = listed ?? {ref, parts: [], date: listing.date}
    const {look} = this.#options
    const asBefore = look && this.#state.labels === this.#before.labels && isSeen(before, at, file, look.lease)
    if (asBefore) return this.#metadataAlone(at, subagent, before)
    await using local = await openLocalTranscript(file.path, this.#context.uid)
    const push = new TranscriptPush(this.#context, local, at, {
      ...this.#options,
      before,
      alsoAt: this.#alsoMeasured(local),
      intend: async (mine) => this.#intend(mine, subpath),
    })
    const outcome = await push.push()
    const {dryRun, behind} = this.#options
    if (!dryRun && outcome.parts > 0) {
      behind?.found(ref, push.listing.parts.length)
      behind?.grown(ref, outcome.parts)
    }
    const metadata = dryRun ? before.metadata : await pushMetadata(this.#context, push.listing, subagent, before)
    const state = {...outcome.state, ...(metadata !== undefined && {metadata})}
    this.#state = withTranscriptState(this.#state, this.#session.projectKey, subpath, state)
    const isNews = outcome.bytes > 0 || this.#state.labels !== this.#before.labels
    if (!subagent && isNews && outcome.action !== 'behind' && !dryRun) await this.#summarize(local, push)
    return {...outcome, state}
  }

  /** The transcript is as it was; what Claude keeps beside it may not be. */
  async #metadataAlone(
    at: PartListing,
    subagent: LocalSubagent | undefined,
    before: TranscriptState,
  ): Promise<TranscriptOutcome> {
    const metadata = this.#options.dryRun ? before.metadata : await pushMetadata(this.#context, at, subagent, before)
    const state = {...before, ...(metadata !== undefined && {metadata})}
    this.#state = withTranscriptState(this.#state, this.#session.projectKey, subagent?.subpath, state)
    return {...nothingPushed, state}
  }

  async #intend(mine: Extent, subpath: string | undefined): Promise<void> {
    const {sessionId, projectKey} = this.#session
    const known = transcriptState(this.#state, projectKey, subpath)
    const intended = [...(known.intended ?? []), mine].slice(-MAX_INTENDED)
    this.#intended = true
    const state = withTranscriptState(this.#state, projectKey, subpath, {...known, intended})
    await this.#context.state.write(sessionId, state)
  }

  #alsoMeasured(local: LocalTranscript): number[] {
    const summarized = this.#state.summary?.value.bytes ?? 0
    return local.file.path === this.#session.main?.path && summarized <= local.length ? [summarized] : []
  }

  async #summarize(local: LocalTranscript, {listing: {ref, parts}, measured}: TranscriptPush): Promise<void> {
    const {task, name} = this.#state.labels ?? {}
    const labels = {parts: parts.length + 1, ...(task !== undefined && {task}), ...(name !== undefined && {name})}
    this.#state = await storeSummary(this.#context, ref, local, measured, this.#state, labels, this.#options.summarized)
  }
}

/** New labels make the summary news; without any the earlier ones stay. */
function labelled({labels}: SessionState, {task, name}: PushOptions): Pick<SessionState, 'labels'> {
  const told = {...labels, ...(task !== undefined && {task}), ...(name !== undefined && {name})}
  const isNews = told.task !== labels?.task || told.name !== labels?.name
  return isNews ? {labels: told} : {}
}
