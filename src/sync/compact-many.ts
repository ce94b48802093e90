import pMap from 'p-map'
import type {Progress} from '../base/progress.js'
import type {StoreTotals} from '../object-store/metered.js'
import {againWhenMoved, type SessionListing} from '../store/parts.js'
import {type ArchiveOptions, archiveSession} from './archive-session.js'
import {addRequests, costOf, countedRequests, NO_REQUESTS, type Requests} from './compact-cost.js'
import {compactSession, type CompactSessionOptions, type SessionCompaction} from './compact-session.js'
import type {CompactAction, CompactedSession} from './compact-tally.js'
import {finishDeletes} from './compact-deletes.js'
import type {SyncContext} from './context.js'
import {countActions, countSessions, failureOf, type SessionFailure} from './report.js'
import {notFound} from './select-sessions.js'
import type {StoredSession} from './select-stored.js'

export interface CompactManyOptions extends CompactSessionOptions {
  /** Archive the sessions instead of merging their parts. */
  readonly archive?: ArchiveOptions | undefined
  /** Leave sessions as they are that were written within this time, ms. */
  readonly olderThan?: number | undefined
  /** Sessions at once. */
  readonly concurrency: number
  readonly progress: Progress
  /** What the store was sent so far, by who opened it. */
  readonly sent?: () => StoreTotals
}

export interface CompactOutcome extends CompactedSession {
  readonly error?: SessionFailure
}

export interface CompactReport {
  readonly sessions: readonly CompactOutcome[]
  readonly totals: Omit<CompactedSession, 'sessionId' | 'projectKey' | 'action' | 'left'> & {
    readonly sessions: number
    readonly actions: Partial<Record<CompactAction, number>>
    readonly requests: Requests
    /** USD; absent where nobody charges for requests. */
    readonly estimatedCost?: number
  }
}

function wordsFor({dryRun, archive}: CompactManyOptions): readonly [string, string] {
  if (dryRun) return ['Looking at', 'Looked at']
  return archive ? ['Archiving', 'Archived'] : ['Compacting', 'Compacted']
}

/**
 * Compacts or archives sessions beside each other: makes the merges of all of them first, then deletes what waits for its grace. One that fails is
 * told in the report and does not stop the others. Who aborts leaves the deletes to the next run.
 */
export async function compactMany(
  context: SyncContext,
  sessions: readonly StoredSession[],
  options: CompactManyOptions,
): Promise<CompactReport> {
  const [doing, done] = wordsFor(options)
  const step = options.progress.task(`${doing} ${countSessions(sessions.length)} in ${context.store.url}`)
  let looked = 0
  try {
    const results = await pMap(
      sessions,
      async (session) => {
        options.signal?.throwIfAborted()
        const result = await compactOne(context, session, options)
        step.update(`${++looked} of ${sessions.length}`)
        return result
      },
      {concurrency: options.concurrency},
    )
    const outcomes = await finish(context, results, options, (text) => step.update(text))
    const failed = outcomes.filter(({error}) => error).length
    const all = countSessions(sessions.length)
    if (failed > 0) step.fail(`${failed} of ${all} not ${done.toLowerCase()} in ${context.store.url}`)
    else step.succeed(`${done} ${all} in ${context.store.url}`)
    return reportOf(context, outcomes, addRequests(NO_REQUESTS, ...results.map(({requests}) => requests)), options)
  } catch (error) {
    step.fail()
    throw error
  }
}

type Result = Omit<SessionCompaction, 'session'> & {readonly session: CompactOutcome}

async function compactOne(context: SyncContext, session: StoredSession, options: CompactManyOptions): Promise<Result> {
  const {sessionId} = session
  let projectKey = session.listing?.ref.homeKey ?? ''
  try {
    const listing = session.listing ?? (await findListing(context, sessionId))
    projectKey = listing.ref.homeKey
    const {archive, olderThan} = options
    if (olderThan !== undefined && lastWritten(listing) > listing.date - olderThan) return asItIs(listing)
    return await (archive
      ? archiveSession(context, listing, {...options, ...archive})
      : compactSession(context, listing, options))
  } catch (error) {
    if (options.signal?.aborted) throw error
    const failed = {sessionId, projectKey, action: 'failed', ...nothing, error: failureOf(error)} as const
    return {session: failed, pending: [], requests: NO_REQUESTS}
  }
}

/** By the names of the parts, as listings have it: merging changes the dates of objects, and no name. */
function lastWritten({transcripts}: SessionListing): number {
  const parts = transcripts.flatMap((each) => each.parts)
  return parts.reduce((last, {parsed, modified}) => Math.max(last, parsed?.ms ?? modified), 0)
}

function asItIs({ref: {sessionId, homeKey}, transcripts}: SessionListing): Result {
  const parts = transcripts.reduce((sum, each) => sum + each.parts.length, 0)
  const counts = {...nothing, partsBefore: parts, partsAfter: parts}
  const session = {sessionId, projectKey: homeKey, action: 'unchanged', ...counts} as const
  return {session, pending: [], requests: NO_REQUESTS}
}

/** @throws SESSION_NOT_FOUND */
async function findListing({homes, parts}: SyncContext, sessionId: string): Promise<SessionListing> {
  const homeKey = await homes.find(sessionId)
  if (homeKey === undefined) throw notFound(sessionId)
  return againWhenMoved(async () => parts.listSession({homeKey, sessionId}))
}

/** Deletes what waits, as it becomes due. */
async function finish(
  context: SyncContext,
  results: readonly Result[],
  {signal}: CompactManyOptions,
  tell: (text: string) => void,
): Promise<CompactOutcome[]> {
  const pending = results.flatMap(({session, pending: own}) => own.map((each) => ({...each, of: session.sessionId})))
  const deleted = new Map<string, number>()
  const failures = new Map<string, SessionFailure>()
  await finishDeletes(context, pending, {
    signal,
    onWait: (ms) => tell(`waiting ${Math.ceil(ms / 1000)} s: readers may still be at what was merged`),
    onDeleted: ({of}, count) => void deleted.set(of, (deleted.get(of) ?? 0) + count),
    onFailed: ({of}, error) => void failures.set(of, failureOf(error)),
  })
  return results.map(({session}) => {
    const count = deleted.get(session.sessionId) ?? 0
    const {partsAfter, waiting} = session
    const error = session.error ?? failures.get(session.sessionId)
    return {
      ...session,
      partsAfter: partsAfter - count,
      deleted: session.deleted + count,
      waiting: waiting - count,
      ...(error && {error}),
    }
  })
}

function reportOf(
  {store}: SyncContext,
  sessions: readonly CompactOutcome[],
  joins: Requests,
  {sent}: CompactManyOptions,
): CompactReport {
  const sum = (key: keyof typeof nothing): number => sessions.reduce((total, each) => total + each[key], 0)
  const requests = sent ? countedRequests(sent(), joins) : joins
  const estimatedCost = costOf(store.url, requests)
  return {
    sessions,
    totals: {
      sessions: sessions.length,
      actions: countActions(sessions),
      partsBefore: sum('partsBefore'),
      partsAfter: sum('partsAfter'),
      bytesRead: sum('bytesRead'),
      bytesWritten: sum('bytesWritten'),
      bytesJoined: sum('bytesJoined'),
      deleted: sum('deleted'),
      waiting: sum('waiting'),
      requests,
      ...(estimatedCost !== undefined && {estimatedCost}),
    },
  }
}

const nothing = {
  partsBefore: 0,
  partsAfter: 0,
  bytesRead: 0,
  bytesWritten: 0,
  bytesJoined: 0,
  deleted: 0,
  waiting: 0,
} as const
