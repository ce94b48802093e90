import {RepriseError} from '../base/errors.js'
import type {Entry, EntryKind, Registry} from '../registry/registry.js'
import {listSummaries} from '../store/summary-record.js'
import type {SyncContext} from '../sync/context.js'
import {resolveSession} from '../sync/select-sessions.js'
import {discoverSessions} from '../transcript/discover.js'
import type {SessionLink} from './session-links.js'

export interface ChosenSession {
  readonly sessionId: string
  /** The task or name that it was found by: it follows a fork. */
  readonly links: readonly SessionLink[]
}

/**
 * The session to resume.
 *
 * @param text a task, a name, a session id or the beginning of one; undefined with `latest`.
 * @throws SESSION_AMBIGUOUS, SESSION_NOT_FOUND, SESSION_MISSING
 */
export async function chooseSession(
  context: SyncContext,
  registry: Registry,
  text: string | undefined,
  latest: boolean,
): Promise<ChosenSession> {
  if (text === undefined) {
    if (!latest) throw noSession()
    return {sessionId: await latestSession(context), links: []}
  }
  const {store, homes, configDir, logger} = context
  const localIds = async (): Promise<string[]> =>
    (await discoverSessions(configDir)).sessions.map(({sessionId}) => sessionId)
  const sessionId = await resolveSession(text, {registry, localIds, stored: {store, homes}, logger})
  for (const kind of ['task', 'name'] as const) {
    const entry = await registry.find(kind, text).catch(() => undefined)
    if (entry?.sessionId === sessionId) return {sessionId, links: [{kind, id: entry.id, current: sessionId}]}
  }
  return {sessionId, links: []}
}

/** The one that was written last, by the store's clock; of this machine where the store has none. */
async function latestSession({store, configDir}: SyncContext): Promise<string> {
  const [stored] = (await listSummaries(store)).toSorted((a, b) => b.modified - a.modified)
  if (stored) return stored.sessionId
  const {sessions} = await discoverSessions(configDir)
  const [here] = sessions.toSorted((a, b) => (b.main?.mtimeMs ?? 0) - (a.main?.mtimeMs ?? 0))
  if (!here) throw nothingYet(store.url)
  return here.sessionId
}

export type IfExists = 'resume' | 'fork' | 'fail' | 'new'
export const IF_EXISTS: readonly IfExists[] = ['resume', 'fork', 'fail', 'new']

/**
 * What `run` does with a task or name that is there already: a session to go on in, or none for a new one.
 *
 * @throws TASK_TAKEN
 */
export async function chooseForRun(
  registry: Registry,
  wanted: readonly Pick<Entry, 'kind' | 'id'>[],
  ifExists: IfExists,
): Promise<{readonly sessionId?: string; readonly links: readonly SessionLink[]}> {
  const links: SessionLink[] = []
  for (const {kind, id} of wanted) {
    const current = (await registry.find(kind, id))?.sessionId
    if (current !== undefined && ifExists === 'fail') throw taken(kind, id, current)
    links.push({kind, id, current})
  }
  const found = ifExists === 'new' ? undefined : links.find(({current}) => current !== undefined)?.current
  return {...(found !== undefined && {sessionId: found}), links}
}

function taken(kind: EntryKind, id: string, sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'TASK_TAKEN',
    message: `${kind} ${JSON.stringify(id)} has session ${sessionId} already`,
    suggestions: [
      `Go on in it: reprise resume ${sessionId}`,
      'Say what to do about it: --if-exists resume, fork or new',
    ],
    details: {sessionId},
  })
}

function noSession(): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'SESSION_MISSING',
    message: 'which session?',
    suggestions: ['reprise ls', 'Name a task, a name or a session id, or take the last one: --latest'],
  })
}

function nothingYet(url: string): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_FOUND',
    message: `there is no session in ${url}, and none on this machine`,
    suggestions: ['Name another store: --store', 'Begin one: reprise run'],
  })
}
