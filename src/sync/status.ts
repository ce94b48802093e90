import pMap from 'p-map'
import {againWhenMoved, type PartListing} from '../store/parts.js'
import type {LocalSession} from '../transcript/discover.js'
import {liveSessions} from '../transcript/liveness.js'
import type {LocalFile} from '../transcript/local-file.js'
import type {Processes} from '../transcript/processes.js'
import {leaseTable, type SyncContext} from './context.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import {lookAtSessions} from './look-at-sessions.js'
import {type PlannedTranscript, planPush} from './plan-push.js'
import {unstoredFiles} from './push-files.js'
import type {SessionLook} from './push-session.js'
import {countActions, failureOf, type SessionFailure} from './report.js'
import {isSeen} from './seen.js'
import {isAssured} from './session-lease.js'
import {transcriptState} from './sync-state.js'

/** Fewer than this are listed one by one, as a push does. */
const MANY = 4

/**
 * - `stored`: the store has every entry, and nobody can cut it off any more.
 * - `behind`: the same, and the store has more.
 * - `unassured`: all is there, but in parts of a worker whose lease was taken over: who holds the session may still cut them off.
 * - `unstored`: some of it is only here.
 * - `diverged`: the same, and the store has messages that are not here.
 * - `failed`: it could not be found out.
 */
export type StoredState = 'stored' | 'behind' | 'unassured' | 'unstored' | 'diverged' | 'failed'

/** Best first: a session is in the worst state of its transcripts. */
const STATES: readonly StoredState[] = ['stored', 'behind', 'unassured', 'unstored', 'diverged', 'failed']

export interface SessionStatus {
  readonly sessionId: string
  readonly projectKey: string
  readonly state: StoredState
  /** What is only here: whole lines, and attachments. */
  readonly unstoredEntries: number
  readonly unstoredBytes: number
  /** Of last lines that are not ended yet: no entries, and never stored as they are. */
  readonly tornBytes: number
  /** The process of the claude that has the session open on this machine. */
  readonly livePid?: number
  readonly error?: SessionFailure
}

export interface StatusReport {
  readonly sessions: readonly SessionStatus[]
  readonly totals: {
    readonly sessions: number
    readonly states: Partial<Record<StoredState, number>>
    readonly live: number
    readonly unstoredEntries: number
    readonly unstoredBytes: number
  }
  /** This machine may go: whatever the sessions held when they were looked at is stored. */
  readonly allStored: boolean
}

export interface StatusOptions {
  readonly processes: Processes
  /** Sessions at once. */
  readonly concurrency: number
  readonly signal?: AbortSignal
}

interface Finding {
  readonly state: StoredState
  readonly entries: number
  readonly bytes: number
  readonly torn: number
}

/** Compares what is here with what is stored; writes nothing. */
export async function statusOf(
  context: SyncContext,
  sessions: readonly LocalSession[],
  {processes, concurrency, signal}: StatusOptions,
): Promise<StatusReport> {
  const looks = sessions.length < MANY ? undefined : await lookAtSessions(context, sessions)
  const live = new Map(
    (await liveSessions(context.configDir, processes)).here.map((each) => [each.sessionId, each.pid]),
  )
  const statuses = await pMap(
    sessions,
    async (session): Promise<SessionStatus> => {
      signal?.throwIfAborted()
      const pid = live.get(session.sessionId)
      const status = await sessionStatus(context, session, looks?.get(session.sessionId))
      return {...status, ...(pid !== undefined && {livePid: pid})}
    },
    {concurrency},
  )
  return statusReport(statuses)
}

async function sessionStatus(
  context: SyncContext,
  session: LocalSession,
  look: SessionLook | undefined,
): Promise<SessionStatus> {
  const {sessionId, projectKey} = session
  try {
    const findings = await findingsOf(context, session, look ?? (await lookAt(context, session)))
    const sum = (pick: (each: Finding) => number): number => findings.reduce((total, each) => total + pick(each), 0)
    return {
      sessionId,
      projectKey,
      state: STATES.findLast((state) => findings.some((each) => each.state === state)) ?? 'stored',
      unstoredEntries: sum((each) => each.entries),
      unstoredBytes: sum((each) => each.bytes),
      tornBytes: sum((each) => each.torn),
    }
  } catch (error) {
    const unknown = {unstoredEntries: 0, unstoredBytes: 0, tornBytes: 0}
    return {sessionId, projectKey, state: 'failed', ...unknown, error: failureOf(error)}
  }
}

/** Lists, then reads the lease record. @returns undefined when the store has nothing of the session. */
async function lookAt(context: SyncContext, {sessionId, projectKey}: LocalSession): Promise<SessionLook | undefined> {
  const {homes, parts, state} = context
  const homeKey = (await state.read(sessionId)).homeKey ?? (await homes.find(sessionId, projectKey))
  if (homeKey === undefined) return undefined
  const listing = await parts.listSession({homeKey, sessionId})
  return {listing, lease: (await leaseTable(context).read(sessionId))?.version}
}

async function findingsOf(
  context: SyncContext,
  session: LocalSession,
  look: SessionLook | undefined,
): Promise<readonly Finding[]> {
  const {sessionId, projectKey, main, subagents} = session
  const state = await context.state.read(sessionId)
  const findings: Finding[] = (await unstoredFiles(context, session, state)).map(({size}) => ({
    state: 'unstored',
    entries: 0,
    bytes: size,
    torn: 0,
  }))
  const transcripts: readonly (readonly [string | undefined, LocalFile])[] = [
    ...(main ? [[undefined, main] as const] : []),
    ...subagents.map(({subpath, transcript}) => [subpath, transcript] as const),
  ]
  for (const [subpath, file] of transcripts) {
    const ref = {homeKey: '', sessionId, ...look?.listing.ref, ...(subpath !== undefined && {subpath})}
    const listed = look?.listing.transcripts.find((each) => each.ref.subpath === subpath)
    const listing = listed ?? {ref, parts: [], date: 0}
    const before = transcriptState(state, projectKey, subpath)
    if (look && isSeen(before, listing, file, look.lease)) {
      findings.push({state: 'stored', ...nothing, torn: before.seen?.torn ?? 0})
    } else findings.push(await transcriptFinding(context, file, listing, before, look?.lease))
  }
  return findings
}

async function transcriptFinding(
  context: SyncContext,
  file: LocalFile,
  listing: PartListing,
  before: Parameters<typeof planPush>[3],
  lease: string | undefined,
): Promise<Finding> {
  await using local = await openLocalTranscript(file.path, context.uid)
  let known: PartListing | undefined = listing
  return await againWhenMoved(async () => {
    const at = known ?? (await context.parts.list(listing.ref))
    // Who moved parts holds the lease, whatever was listed of it before.
    const mayBeCutOff = lease !== undefined || known === undefined
    known = undefined
    return findingOf(context, local, at, await planPush(context.parts, local, at, before), mayBeCutOff)
  })
}

async function findingOf(
  context: SyncContext,
  local: LocalTranscript,
  listing: PartListing,
  planned: PlannedTranscript,
  mayBeCutOff: boolean,
): Promise<Finding> {
  const {torn} = local
  const {plan} = planned
  switch (plan.step) {
    case 'nothing':
    case 'behind': {
      const assured = !mayBeCutOff || (await isSure(context, listing, planned.view))
      const state = plan.step === 'behind' ? 'behind' : 'stored'
      return {state: assured ? state : 'unassured', ...nothing, torn}
    }
    case 'append':
    case 'append-loose':
      return {state: 'unstored', ...onlyHere(planned, plan.from, local.length), torn}
    case 'rebase':
      return {state: 'unstored', ...onlyHere(planned, 0, local.length), torn}
    case 'refuse': {
      const bytes = plan.local.ranges.reduce((sum, {start, end}) => sum + end - start, 0)
      return {state: 'diverged', entries: plan.local.entries, bytes, torn}
    }
  }
}

async function isSure(context: SyncContext, listing: PartListing, view: PlannedTranscript['view']): Promise<boolean> {
  const found = await leaseTable(context).read(listing.ref.sessionId)
  return isAssured(context, listing, view, found?.record)
}

function onlyHere({measured}: PlannedTranscript, from: number, to: number): {entries: number; bytes: number} {
  return {entries: (measured.get(to)?.entries ?? 0) - (measured.get(from)?.entries ?? 0), bytes: to - from}
}

/** The states of sessions that were looked at together, or in several parts of a store. */
export function statusReport(sessions: readonly SessionStatus[]): StatusReport {
  return {
    sessions,
    totals: {
      sessions: sessions.length,
      states: countActions(sessions.map(({state}) => ({action: state}))),
      live: sessions.filter(({livePid}) => livePid !== undefined).length,
      unstoredEntries: sessions.reduce((sum, each) => sum + each.unstoredEntries, 0),
      unstoredBytes: sessions.reduce((sum, each) => sum + each.unstoredBytes, 0),
    },
    allStored: sessions.every(({state}) => state === 'stored' || state === 'behind'),
  }
}

const nothing = {entries: 0, bytes: 0} as const
