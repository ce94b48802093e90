import {join} from 'node:path'
import {RepriseError} from '../base/errors.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import type {TranscriptBytes} from '../store/bytes.js'
import type {PartListing, SessionListing} from '../store/parts.js'
import {againWhenMoved} from '../store/parts.js'
import {readDelivery} from '../store/read-delivery.js'
import {checkSize} from '../store/size-limit.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {sessionDir, transcriptPath} from '../transcript/config-dir.js'
import {discoverSession, type LocalSession} from '../transcript/discover.js'
import {liveSessions} from '../transcript/liveness.js'
import type {Processes} from '../transcript/processes.js'
import {unionOf} from './compare.js'
import type {SyncContext} from './context.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import {planPull, type PullPlan} from './plan-pull.js'
import {pullFiles, pullMetadata} from './pull-files.js'
import {diverged} from './push-transcript.js'
import {listFiles, refuseTooLarge} from './size-limit.js'
import {keepTorn, loadTranscriptFile, writeTranscriptFile} from './transcript-file.js'
import {
  emptySessionState,
  type SessionState,
  type TranscriptState,
  transcriptState,
  withTranscriptState,
} from './sync-state.js'

export type PullAction = 'pulled' | 'unchanged' | 'ahead' | 'merged' | 'forked' | 'diverged' | 'failed'

export interface PulledSession {
  readonly sessionId: string
  readonly projectKey: string
  readonly action: PullAction
  readonly bytesDownloaded: number
  readonly entries: number
  /** The main transcript here. */
  readonly path: string
}

export interface PullOptions {
  /** Where a session goes that is not here. Without it: under its home key. */
  readonly projectKey?: string | undefined
  readonly merge?: boolean | undefined
  /** Where each side has messages that the other lacks: what is stored replaces the local file. Keep that one first. */
  readonly take?: boolean | undefined
  readonly dryRun?: boolean | undefined
  /** Touch a session that a claude on this machine has open. */
  readonly force?: boolean | undefined
  readonly processes: Processes
  /** Where the session lies in the store, when that was looked up for many at once. */
  readonly listing?: SessionListing | undefined
  /** What lies beside its transcripts, the same. */
  readonly files?: readonly ObjectSummary[] | undefined
  /** Its copies on this machine, the same. */
  readonly here?: readonly LocalSession[] | undefined
}

interface Outcome {
  readonly action: PullAction
  readonly bytes: number
  readonly entries: number
  readonly state: TranscriptState
}

/**
 * Brings a session here: each file whole and verified, or not at all. A copy that is here is updated where it lies.
 *
 * @throws SESSION_NOT_FOUND, SESSION_LIVE, SESSION_DIVERGED, SESSION_AMBIGUOUS, SESSION_TOO_LARGE, and what store and file system throw.
 */
export async function pullSession(
  context: SyncContext,
  sessionId: string,
  options: PullOptions,
): Promise<PulledSession> {
  const listing = options.listing ?? (await listStored(context, sessionId, options.projectKey))
  if (!listing || listing.transcripts.every((each) => each.parts.length === 0)) throw notStored(sessionId, context)
  const here = options.here ?? (await discoverSession(context.configDir, sessionId)).sessions
  const [local, ...more] = here
  if (more.length > 0) throw severalCopies(sessionId, here)
  if (local && !options.force) await refuseLive(context, sessionId, options.processes)
  const files = options.dryRun ? [] : (options.files ?? (await listFiles(context, sessionId)))
  await refuseTooLarge(context, listing, files)
  const projectKey = local?.projectKey ?? options.projectKey ?? listing.ref.homeKey
  const pull = new SessionPull(context, sessionId, projectKey, local, options)
  const outcomes = await pull.pull(listing, files)
  const sum = (pick: (each: Outcome) => number): number => outcomes.reduce((total, each) => total + pick(each), 0)
  return {
    sessionId,
    projectKey,
    action: TELLING.find((action) => outcomes.some((each) => each.action === action)) ?? 'unchanged',
    bytesDownloaded: sum((each) => each.bytes),
    entries: sum((each) => each.entries),
    path: transcriptPath(context.configDir, projectKey, sessionId),
  }
}

async function listStored(
  {homes, parts, logger}: SyncContext,
  sessionId: string,
  likely: string | undefined,
): Promise<SessionListing | undefined> {
  const homeKey = await homes.find(sessionId, likely)
  if (homeKey === undefined) return undefined
  const listing = await parts.listSession({homeKey, sessionId})
  for (const key of listing.ignored) logger.warn('not the key of a part: left in the store', {key})
  return listing
}

const TELLING: readonly PullAction[] = ['merged', 'pulled', 'ahead', 'unchanged']

class SessionPull {
  readonly #context: SyncContext
  readonly #sessionId: string
  readonly #projectKey: string
  readonly #local: LocalSession | undefined
  readonly #options: PullOptions
  #state: SessionState = emptySessionState

  constructor(
    context: SyncContext,
    sessionId: string,
    projectKey: string,
    local: LocalSession | undefined,
    options: PullOptions,
  ) {
    this.#context = context
    this.#sessionId = sessionId
    this.#projectKey = projectKey
    this.#local = local
    this.#options = options
  }

  async pull({ref: {homeKey}, transcripts}: SessionListing, files: readonly ObjectSummary[]): Promise<Outcome[]> {
    const {state, configDir, logger} = this.#context
    this.#state = {...(await state.read(this.#sessionId)), homeKey}
    const outcomes: Outcome[] = []
    const directory = sessionDir(configDir, this.#projectKey, this.#sessionId)
    // Subagents and attachments first: a main transcript that is here has all that it refers to.
    for (const listing of transcripts.toReversed()) {
      const {subpath} = listing.ref
      if (subpath !== undefined && !/^subagents\/(?:.+\/)?agent-[^/]+$/.test(subpath)) {
        logger.warn('not a transcript of a subagent: left in the store', {subpath})
        continue
      }
      const path =
        subpath === undefined
          ? transcriptPath(configDir, this.#projectKey, this.#sessionId)
          : join(directory, `${subpath}.jsonl`)
      if (subpath === undefined) await this.#attachments(files, directory, outcomes)
      if (listing.parts.length > 0) outcomes.push(await this.#pullOne(listing, path))
    }
    if (!this.#options.dryRun) await state.write(this.#sessionId, this.#state)
    return outcomes
  }

  async #attachments(stored: readonly ObjectSummary[], directory: string, outcomes: Outcome[]): Promise<void> {
    if (this.#options.dryRun) return
    const {bytes, files} = await pullFiles(this.#context, this.#sessionId, stored, directory)
    this.#state = {...this.#state, files: {...this.#state.files, ...files}}
    if (bytes > 0) outcomes.push({action: 'pulled', bytes, entries: 0, state: {}})
  }

  async #pullOne(listing: PartListing, path: string): Promise<Outcome> {
    const {subpath} = listing.ref
    const before = transcriptState(this.#state, this.#projectKey, subpath)
    const file =
      subpath === undefined
        ? this.#local?.main
        : this.#local?.subagents.find((each) => each.subpath === subpath)?.transcript
    let known: PartListing | undefined = listing
    const outcome = await againWhenMoved(async () => {
      const at = known ?? (await this.#context.parts.list(listing.ref))
      known = undefined
      if (!file) return this.#restore(at, path)
      await using local = await openLocalTranscript(file.path, this.#context.uid)
      return await this.#update(at, path, local, before)
    })
    this.#state = withTranscriptState(this.#state, this.#projectKey, subpath, outcome.state)
    return outcome
  }

  /** A transcript that is not here. */
  async #restore(listing: PartListing, path: string): Promise<Outcome> {
    if (this.#options.dryRun) {
      const {delivery} = await viewTranscript(this.#context.parts, listing.ref, {listing})
      return {action: 'pulled', bytes: delivery.length, entries: 0, state: {}}
    }
    const {view, length, digest} = await loadTranscriptFile(this.#context, listing, path)
    await pullMetadata(this.#context, view, path)
    if (length === 0) return {action: 'unchanged', bytes: 0, entries: 0, state: {}}
    return {action: 'pulled', bytes: length, entries: countEntries(view), state: this.#agreed(view, {length, digest})}
  }

  async #update(listing: PartListing, path: string, local: LocalTranscript, before: TranscriptState): Promise<Outcome> {
    const {merge, take, dryRun} = this.#options
    const planned = await planPull(this.#context.parts, local, listing, before)
    const {stored} = planned
    checkSize(this.#sessionId, stored?.side.bytes.length ?? 0, this.#context.maxBytes)
    const plan: PullPlan = planned.plan.step === 'refuse' && take ? {step: 'take'} : planned.plan
    if (plan.step === 'nothing' || !stored) {
      const action = plan.step === 'nothing' && plan.because === 'ahead' ? 'ahead' : 'unchanged'
      return {action, bytes: 0, entries: 0, state: before}
    }
    if (plan.step === 'refuse' && !merge) throw diverged(this.#sessionId, plan.local, plan.stored)
    const target = targetOf(plan, local, stored.side.bytes)
    const fresh = target.length - keptOf(plan, local)
    const action = plan.step === 'union' || plan.step === 'refuse' ? 'merged' : 'pulled'
    if (dryRun) return {action, bytes: fresh, entries: 0, state: before}
    if (local.torn > 0) await keepTorn(this.#context, local, path)
    const kept = keptOf(plan, local)
    const source =
      plan.step === 'take' ? readDelivery(stored.view, this.#context.parts) : target.read(kept, target.length)
    const base = kept > 0 ? {path: local.file.path, length: kept} : undefined
    const digest = await writeTranscriptFile(
      this.#context,
      path,
      fresh,
      source,
      base,
      plan.step === 'append' ? stored.side.digest : undefined,
    )
    await pullMetadata(this.#context, stored.view, path)
    const state = this.#agreed(stored.view, {length: target.length, digest})
    return {action, bytes: fresh, entries: 0, state: action === 'merged' ? before : state}
  }

  #agreed(view: TranscriptView, local: {length: number; digest: string}): TranscriptState {
    const {resolution, delivery} = view
    if (!delivery.straight) return {}
    return {agreed: {local, stored: {length: resolution.length, digest: resolution.digest}}}
  }
}

function targetOf(plan: PullPlan, local: TranscriptBytes, stored: TranscriptBytes): TranscriptBytes {
  if (plan.step === 'union') return unionOf(local, stored, plan.surplus)
  if (plan.step === 'refuse') return unionOf(local, stored, plan.stored)
  return stored
}

/** How many bytes of the local file stay as they are. */
function keptOf(plan: PullPlan, local: TranscriptBytes): number {
  return plan.step === 'take' ? 0 : local.length
}

function countEntries({resolution}: TranscriptView): number {
  return resolution.slices.reduce((sum, {part}) => sum + part.range.entries, 0)
}

export async function refuseLive({configDir}: SyncContext, sessionId: string, processes: Processes): Promise<void> {
  const {here} = await liveSessions(configDir, processes)
  const live = here.find((each) => each.sessionId === sessionId)
  if (!live) return
  throw new RepriseError({
    kind: 'conflict',
    code: 'SESSION_LIVE',
    message: `session ${sessionId} is open in a claude on this machine (process ${live.pid})`,
    suggestions: ['End that claude first.', 'Write under it all the same: --force'],
    details: {sessionId, pid: live.pid},
  })
}

function notStored(sessionId: string, {store}: SyncContext): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_FOUND',
    message: `session ${sessionId} is not in ${store.url}`,
    suggestions: ['reprise ls', 'Name another store: --store'],
  })
}

export function severalCopies(sessionId: string, copies: readonly LocalSession[]): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_COPIES',
    message: `session ${sessionId} lies here under ${copies.length} project keys: ${copies.map((each) => each.projectKey).join(', ')}`,
    suggestions: ['Remove the copy that is out of date.'],
    details: {sessionId, paths: copies.map((each) => each.main?.path).filter((path) => path !== undefined)},
  })
}
