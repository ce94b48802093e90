import {RepriseError} from '../base/errors.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {Homes} from '../store/home.js'
import {readSummary} from '../store/summary-record.js'
import {discoverSession} from '../transcript/discover.js'
import type {Facts} from './registry.js'
import {checkSessionId} from './task-key.js'

export interface KnownSessions {
  readonly store: ObjectStore
  readonly homes: Homes
  readonly configDir: string
}

/**
 * What the store, or else this machine, knows of a session that is to be linked: a misspelt id would be found out only when
 * somebody needs the session.
 *
 * @throws SESSION_ID_INVALID, SESSION_NOT_FOUND
 */
export async function knownFacts({store, homes, configDir}: KnownSessions, sessionId: string): Promise<Facts> {
  checkSessionId(sessionId)
  const [homeKey, summary] = await Promise.all([homes.find(sessionId), readSummary(store, sessionId)])
  const here = homeKey ?? (await discoverSession(configDir, sessionId)).sessions.find(({main}) => main)?.projectKey
  if (here === undefined) throw notFound(sessionId)
  const {cwd, machine, branch, commit} = summary ?? {}
  return {
    homeKey: here,
    agent: summary?.agent ?? 'claude',
    store: store.url,
    ...(cwd !== undefined && {cwd}),
    ...(machine !== undefined && {machine}),
    ...((branch ?? commit) !== undefined && {
      git: {...(branch !== undefined && {branch}), ...(commit !== undefined && {commit})},
    }),
  }
}

function notFound(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_FOUND',
    message: `There is no session ${sessionId} in the store or on this machine.`,
    suggestions: ['See which there are: reprise ls', 'Look into another store: --store'],
  })
}
