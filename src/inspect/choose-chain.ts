import pMap from 'p-map'
import {hasCode, RepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {Registry} from '../registry/registry.js'
import type {Homes} from '../store/home.js'
import type {Parts} from '../store/parts.js'
import {ambiguous, findLinked, notFound, resolveId} from '../sync/select-sessions.js'
import {discoverSessions} from '../transcript/discover.js'
import {findLocalSession, type LocalPlace} from './local-session.js'
import type {SessionOrigin} from './session-origin.js'
import {StoredSession} from './stored-session.js'

/** A chain may have a thousand. */
const SESSIONS_AT_ONCE = 16

/** One store that sessions are looked for in. */
export interface StoredPlace {
  readonly store: ObjectStore
  readonly parts: Parts
  readonly homes: Homes
  readonly registry: Registry
}

export interface Places {
  readonly local: LocalPlace
  /** In the order in which they are looked through; opened when their turn comes. */
  readonly stores: AsyncIterable<StoredPlace>
  readonly logger: Logger
}

export interface ChainRequest {
  /** As a person wrote it: a task, a name, a session id, the beginning of one; undefined with `session` alone. */
  readonly text?: string | undefined
  /** Of a task's or name's sessions this one alone: its id, or the beginning of it. */
  readonly session?: string | undefined
  /** As the sessions lie on this machine. */
  readonly local: boolean
}

/** Sessions to be read one after the other. */
export interface Chain {
  /** Oldest first; mostly one. */
  readonly sessions: readonly SessionOrigin[]
  readonly task?: string
  readonly name?: string
  /** Earlier sessions that are nowhere any more. */
  readonly missing: readonly string[]
}

/**
 * The sessions that are meant. A task or name stands for all its sessions, anything else for one. The first store that has it counts;
 * what is in none is looked for on this machine.
 *
 * @throws SESSION_NOT_FOUND, SESSION_AMBIGUOUS, SESSION_MISSING, and what registry and store throw.
 */
export async function chooseChain(places: Places, request: ChainRequest): Promise<Chain> {
  const text = request.text ?? request.session
  if (text === undefined) throw missing()
  let here: Named | undefined
  for await (const place of places.stores) {
    const named = await look(place, places, text, request)
    const chain = named && !request.local ? await located(named, places, place) : undefined
    if (chain) return chain
    here ??= named
  }
  const chain = here && (await located(here, places))
  if (chain) return chain
  throw notFound(request.session ?? text)
}

interface Named extends Omit<Chain, 'sessions' | 'missing'> {
  readonly ids: readonly string[]
}

async function look(
  place: StoredPlace,
  places: Places,
  text: string,
  request: ChainRequest,
): Promise<Named | undefined> {
  const localIds = async () => (await discoverSessions(places.local.configDir)).sessions.map(({sessionId}) => sessionId)
  const sources = {localIds, logger: places.logger, ...(!request.local && {stored: place})}
  try {
    const entry = request.text === undefined ? undefined : await linked(place, places, text, request.local)
    if (!entry) return {ids: [await resolveId(text, sources)]}
    const ids = [...entry.earlier, entry.sessionId]
    const named = entry.kind === 'task' ? {task: entry.id} : {name: entry.id}
    return {...named, ids: request.session === undefined ? ids : [oneOf(ids, request.session)]}
  } catch (error) {
    if (hasCode(error, 'SESSION_NOT_FOUND')) return undefined
    throw error
  }
}

/** What lies here is shown also where nobody can be asked for tasks. */
async function linked({registry}: StoredPlace, {logger}: Places, text: string, local: boolean) {
  try {
    return await findLinked(text, {registry, logger})
  } catch (error) {
    if (!local || !(error instanceof RepriseError) || !['unreachable', 'permission'].includes(error.kind)) throw error
    logger.debug('tasks and names cannot be looked up', {code: error.code})
    return undefined
  }
}

function oneOf(ids: readonly string[], wanted: string): string {
  const begins = ids.filter((id) => id.toLowerCase().startsWith(wanted.toLowerCase()))
  const [only, ...more] = begins
  if (only !== undefined && more.length === 0) return only
  throw only === undefined ? notFound(wanted) : ambiguous(wanted, begins)
}

/** @param stored where at least one of them lies; without it they are taken as they lie on this machine. */
async function located({ids, ...named}: Named, {local}: Places, stored?: StoredPlace): Promise<Chain | undefined> {
  const several = {concurrency: SESSIONS_AT_ONCE}
  const inStore = await pMap(ids, async (id) => stored && storedSession(stored, id, local.projectKey), several)
  if (stored && inStore.every((each) => each === undefined)) return undefined
  const found = await pMap(ids, async (id, at) => inStore[at] ?? findLocalSession(local, id), several)
  const sessions = found.filter((each) => each !== undefined)
  if (sessions.length === 0) return undefined
  return {...named, sessions, missing: ids.filter((_, at) => found[at] === undefined)}
}

async function storedSession(
  {homes, parts}: StoredPlace,
  sessionId: string,
  likely: string,
): Promise<SessionOrigin | undefined> {
  const homeKey = await homes.find(sessionId, likely)
  return homeKey === undefined ? undefined : new StoredSession(parts, {homeKey, sessionId})
}

function missing(): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'SESSION_MISSING',
    message: 'which session?',
    suggestions: ['See what there is: reprise ls', 'Name a task, a name, a session id, or the beginning of one.'],
  })
}
