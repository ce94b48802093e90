import pMap from 'p-map'
import type {ErrorKind} from '../base/errors.js'
import type {Progress} from '../base/progress.js'
import type {Registry} from '../registry/registry.js'
import {againWhenMoved, Parts, type SessionListing} from '../store/parts.js'
import type {SyncContext} from './context.js'
import {countActions, countSessions, failureOf, type SessionFailure} from './report.js'
import {notFound, resolveSession} from './select-sessions.js'
import {type VerifiedSession, type VerifiedState, type VerifyOptions, verifySession} from './verify-session.js'

export interface VerifyManyOptions extends VerifyOptions {
  /** As a person wrote them: tasks, names, ids, prefixes. Empty: every session of the store. */
  readonly named: readonly string[]
  /** The ids of the sessions on this machine. */
  readonly localIds: () => Promise<readonly string[]>
  /** Sessions at once. */
  readonly concurrency: number
  readonly progress: Progress
}

/** `failed`: it could not be read, which says nothing about it. */
export type VerifyState = VerifiedState | 'failed'

export type VerifyOutcome = Omit<VerifiedSession, 'state'> & {
  readonly state: VerifyState
  readonly error?: SessionFailure
}

export interface VerifyReport {
  readonly sessions: readonly VerifyOutcome[]
  readonly totals: {
    readonly sessions: number
    readonly states: Partial<Record<VerifyState, number>>
    readonly parts: number
    readonly bytes: number
    readonly findings: number
  }
  /** All bytes were read. */
  readonly readData: boolean
}

/**
 * Verifies sessions beside each other. One that cannot be read is told in the report and does not stop the others. A session that lies
 * under two project keys is two.
 *
 * @throws what `resolveSession` throws, and what keeps the store from being listed.
 */
export async function verifyMany(
  context: SyncContext,
  registry: Registry,
  options: VerifyManyOptions,
): Promise<VerifyReport> {
  const listings = await selected(context, registry, options)
  const {progress, concurrency, signal, readData} = options
  const step = progress.task(`Verifying ${countSessions(listings.length)} in ${context.store.url}`)
  let done = 0
  try {
    const sessions = await pMap(
      listings,
      async (listing) => {
        signal?.throwIfAborted()
        const outcome = await verifyOne(context, listing, options)
        step.update(`${++done} of ${listings.length}`)
        return outcome
      },
      {concurrency},
    )
    const bad = sessions.filter(({state}) => state === 'damaged' || state === 'failed').length
    if (bad > 0) step.fail(`${bad} of ${countSessions(sessions.length)} damaged or not read in ${context.store.url}`)
    else step.succeed(`Verified ${countSessions(sessions.length)} in ${context.store.url}`)
    return reportOf(sessions, readData)
  } catch (error) {
    step.fail()
    throw error
  }
}

/** What kept sessions from being found sound, as kinds of errors: damage is bad data, and what cannot be read is no verdict on it. */
export function failuresIn({sessions}: VerifyReport): readonly ErrorKind[] {
  return sessions.flatMap(({state, error}) => {
    if (state === 'damaged') return ['bad-data']
    if (!error) return []
    return [error.kind === 'permission' || error.kind === 'bug' ? error.kind : 'unreachable']
  })
}

async function verifyOne(
  context: SyncContext,
  listing: SessionListing,
  options: VerifyManyOptions,
): Promise<VerifyOutcome> {
  try {
    // What is known of parts is forgotten with each session: memory does not grow with the store.
    const parts = new Parts(context.store, options.signal ? {signal: options.signal} : {})
    return await verifySession({store: context.store, parts}, listing, options)
  } catch (error) {
    if (options.signal?.aborted) throw error
    const {sessionId, homeKey: projectKey} = listing.ref
    const nothing = {transcripts: 0, parts: 0, bytes: 0, findings: []}
    return {sessionId, projectKey, state: 'failed', ...nothing, error: failureOf(error)}
  }
}

async function selected(
  context: SyncContext,
  registry: Registry,
  {named, localIds}: VerifyManyOptions,
): Promise<readonly SessionListing[]> {
  if (named.length === 0) return listEverySession(context)
  const ids = new Set<string>()
  for (const text of named) ids.add(await resolveSession(text, {registry, localIds, stored: context}))
  return Promise.all([...ids].map(async (sessionId) => listingOf(context, sessionId)))
}

/** @throws SESSION_NOT_FOUND */
async function listingOf({homes, parts}: SyncContext, sessionId: string): Promise<SessionListing> {
  const homeKey = await homes.find(sessionId)
  if (homeKey === undefined) throw notFound(sessionId)
  return againWhenMoved(async () => parts.listSession({homeKey, sessionId}))
}

/** Under whatever project key: the Agent SDK keeps one id under two of them apart. */
export async function listEverySession({
  homes,
  parts,
}: Pick<SyncContext, 'homes' | 'parts'>): Promise<readonly SessionListing[]> {
  const keys = await homes.projectKeys()
  const found = await pMap(keys, async (key) => [...(await parts.listProject(key)).values()], {concurrency: 8})
  return found.flat()
}

function reportOf(sessions: readonly VerifyOutcome[], readData: boolean): VerifyReport {
  return {
    sessions,
    totals: {
      sessions: sessions.length,
      states: countActions(sessions.map(({state}) => ({action: state}))),
      parts: sessions.reduce((sum, {parts}) => sum + parts, 0),
      bytes: sessions.reduce((sum, {bytes}) => sum + bytes, 0),
      findings: sessions.reduce((sum, {findings}) => sum + findings.length, 0),
    },
    readData,
  }
}
