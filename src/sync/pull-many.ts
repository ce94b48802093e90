import pMap from 'p-map'
import {hasCode} from '../base/errors.js'
import type {Progress} from '../base/progress.js'
import {transcriptPath} from '../transcript/config-dir.js'
import type {LocalSession} from '../transcript/discover.js'
import type {SyncContext} from './context.js'
import {listAllFiles} from './size-limit.js'
import {forkOnce} from './fork-session.js'
import {type PullAction, type PulledSession, type PullOptions, pullSession} from './pull-session.js'
import {countActions, countSessions, failureOf, type SessionFailure} from './report.js'
import type {StoredSession} from './select-stored.js'

/** Fewer are asked for one by one. */
const MANY = 4

export interface PullManyOptions extends Omit<PullOptions, 'take' | 'listing' | 'files' | 'here'> {
  /** Where local and stored diverged: the local conversation is kept as a session of its own, then the stored one is taken. */
  readonly fork?: boolean | undefined
  /** Sessions at once. */
  readonly concurrency: number
  readonly progress: Progress
  readonly signal?: AbortSignal
}

export interface PullOutcome extends PulledSession {
  /** The session that the local conversation is kept as. */
  readonly newSessionId?: string
  readonly error?: SessionFailure
}

export interface PullReport {
  readonly sessions: readonly PullOutcome[]
  readonly totals: {
    readonly sessions: number
    readonly actions: Partial<Record<PullAction, number>>
    readonly bytesDownloaded: number
    readonly entries: number
  }
}

/**
 * Pulls sessions beside each other. One that fails is told in the report and does not stop the others.
 *
 * @param here the sessions of this machine.
 */
export async function pullMany(
  context: SyncContext,
  sessions: readonly StoredSession[],
  here: readonly LocalSession[],
  options: PullManyOptions,
): Promise<PullReport> {
  const step = options.progress.task(`Pulling ${countSessions(sessions.length)} from ${context.store.url}`)
  const copies = groupById(here)
  // Sessions with a listing are all that there are.
  const isAll = sessions.length >= MANY && sessions.every(({listing}) => listing)
  const files = isAll && !options.dryRun ? await listAllFiles(context) : undefined
  let done = 0
  const outcomes = await pMap(
    sessions,
    async (session) => {
      options.signal?.throwIfAborted()
      const beside = files && (files.get(session.sessionId) ?? [])
      const outcome = await pullOne(context, session, copies.get(session.sessionId) ?? [], {...options, files: beside})
      step.update(`${++done} of ${sessions.length}`)
      return outcome
    },
    {concurrency: options.concurrency},
  ).catch((error: unknown) => {
    step.fail()
    throw error
  })
  const failed = outcomes.filter(({error}) => error).length
  if (failed > 0) step.fail(`${failed} of ${countSessions(sessions.length)} not pulled from ${context.store.url}`)
  else step.succeed(`Pulled ${countSessions(sessions.length)} from ${context.store.url}`)
  return pullReport(outcomes)
}

async function pullOne(
  context: SyncContext,
  {sessionId, listing}: StoredSession,
  here: readonly LocalSession[],
  options: PullManyOptions & Pick<PullOptions, 'files'>,
): Promise<PullOutcome> {
  const projectKey = here[0]?.projectKey ?? options.projectKey ?? listing?.ref.homeKey ?? ''
  const path = transcriptPath(context.configDir, projectKey, sessionId)
  try {
    return await pullOrFork(context, sessionId, here, {...options, listing, here})
  } catch (error) {
    if (options.signal?.aborted) throw error
    const action = hasCode(error, 'SESSION_DIVERGED') ? 'diverged' : 'failed'
    return {sessionId, projectKey, action, bytesDownloaded: 0, entries: 0, path, error: failureOf(error)}
  }
}

async function pullOrFork(
  context: SyncContext,
  sessionId: string,
  [local]: readonly LocalSession[],
  options: PullOptions & Pick<PullManyOptions, 'fork'>,
): Promise<PullOutcome> {
  try {
    return await pullSession(context, sessionId, options)
  } catch (error) {
    if (!options.fork || !local || !hasCode(error, 'SESSION_DIVERGED')) throw error
  }
  const forked = options.dryRun ? undefined : await forkOnce(context, local)
  const {listing: _listing, files: _files, here: _here, ...again} = options
  const pulled = await pullSession(context, sessionId, {...again, take: true})
  return {...pulled, action: 'forked', ...(forked && {newSessionId: forked.sessionId})}
}

function groupById(sessions: readonly LocalSession[]): ReadonlyMap<string, readonly LocalSession[]> {
  const byId = new Map<string, LocalSession[]>()
  for (const session of sessions) byId.set(session.sessionId, [...(byId.get(session.sessionId) ?? []), session])
  return byId
}

/** The outcomes of one pull, or of several together. */
export function pullReport(sessions: readonly PullOutcome[]): PullReport {
  const sum = (pick: (each: PullOutcome) => number): number => sessions.reduce((total, each) => total + pick(each), 0)
  return {
    sessions,
    totals: {
      sessions: sessions.length,
      actions: countActions(sessions),
      bytesDownloaded: sum((each) => each.bytesDownloaded),
      entries: sum((each) => each.entries),
    },
  }
}
