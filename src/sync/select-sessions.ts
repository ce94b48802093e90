import picomatch from 'picomatch'
import pMap from 'p-map'
import {hasCode, RepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import {listAll} from '../object-store/list-all.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {Entry, Registry} from '../registry/registry.js'
import type {Homes} from '../store/home.js'
import {HOME_PREFIX} from '../store/names.js'
import {isSessionId} from '../transcript/session-id.js'

const SHORTEST_PREFIX = 4
const LONGEST_ID = 128
const CANDIDATES_SHOWN = 10

/** Where a session that was named may be known. */
export interface SessionSources {
  readonly registry: Registry
  /** The ids of the sessions on this machine. */
  readonly localIds: () => Promise<readonly string[]>
  /** Absent where only sessions of this machine are meant. */
  readonly stored?: {readonly store: ObjectStore; readonly homes: Homes}
  readonly logger?: Logger
}

/**
 * The session that a person or program named: an exact task, an exact name, an exact UUID, a unique prefix of at least four
 * characters, in this order.
 *
 * @returns its id; a UUID is returned as it is, wherever the session may be, also where this worker may not look whether it is
 *   a task: its rights may end at its own.
 * @throws SESSION_AMBIGUOUS (usage), SESSION_NOT_FOUND, and what the registry throws. The beginning of an id that may not be
 *   looked up as a task is refused with that: it may well be another's task, and is no session for sure.
 */
export async function resolveSession(text: string, sources: SessionSources): Promise<string> {
  return (await findLinked(text, sources))?.sessionId ?? (await resolveId(text, sources))
}

/** As `resolveSession`, of what is no task and no name. @throws SESSION_AMBIGUOUS (usage), SESSION_NOT_FOUND */
export async function resolveId(text: string, sources: Omit<SessionSources, 'registry'>): Promise<string> {
  if (isSessionId(text)) return text
  const isPrefix = text.length >= SHORTEST_PREFIX && /^[0-9a-f-]+$/i.test(text)
  const found = isPrefix ? await withPrefix(text.toLowerCase(), sources) : []
  const [only, ...more] = found
  if (only !== undefined && more.length === 0) return only
  throw only === undefined ? notFound(text) : ambiguous(text, found)
}

/** The task of that name, else the name; undefined where nothing is linked. */
export async function findLinked(
  text: string,
  {registry, logger}: Pick<SessionSources, 'registry' | 'logger'>,
): Promise<Entry | undefined> {
  if (text === '' || text.length > LONGEST_ID) return undefined
  // No name looks like a UUID.
  if (!isSessionId(text)) return (await registry.find('task', text)) ?? (await registry.find('name', text))
  try {
    return await registry.find('task', text)
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED')) throw error
    logger?.debug('a session id may not be looked up as a task, and is taken for no task', {
      sessionId: text,
      reason: error.message,
    })
    return undefined
  }
}

async function withPrefix(
  prefix: string,
  {localIds, stored}: Omit<SessionSources, 'registry'>,
): Promise<readonly string[]> {
  const begins = (id: string): boolean => id.toLowerCase().startsWith(prefix)
  const ids = new Set((await localIds()).filter(begins))
  if (stored) for (const id of await storedWithPrefix(prefix, stored)) ids.add(id)
  return [...ids].toSorted()
}

/** By the records of home keys; a bucket of others has none, and its project keys are looked through. */
async function storedWithPrefix(
  prefix: string,
  {store, homes}: {readonly store: ObjectStore; readonly homes: Homes},
): Promise<readonly string[]> {
  const below = async (folder: string): Promise<readonly string[]> => {
    const {objects, prefixes} = await listAll(store, {prefix: folder + prefix, delimiter: '/'})
    const names = [...objects.map(({key}) => key), ...prefixes.map((each) => each.slice(0, -1))]
    return names
      .map((name) => name.slice(folder.length))
      .filter((id) => isSessionId(id) && id.toLowerCase().startsWith(prefix))
  }
  const recorded = await below(HOME_PREFIX)
  if (recorded.length > 0) return recorded
  const keys = await homes.projectKeys()
  return (await pMap(keys, async (key) => below(`${key}/`), {concurrency: 16})).flat()
}

/** What globs and ages are held against. */
export interface Filterable {
  readonly sessionId: string
  readonly projectKey: string
  /** Where the conversation was held, as far as it is known. */
  readonly cwd?: string | undefined
  /** When it changed last, ms since the epoch. */
  readonly changedMs?: number | undefined
}

export interface SessionFilter {
  /** Globs for project key, cwd or session id; one that matches is enough. */
  readonly include?: readonly string[] | undefined
  /** The same; one that matches leaves the session out, whatever `include` says. */
  readonly exclude?: readonly string[] | undefined
  /** Only what changed at or after this time, ms since the epoch. */
  readonly since?: number | undefined
}

/** Whether a session passes: a predicate, since globs are compiled once. */
export function sessionFilter({include, exclude, since}: SessionFilter): (session: Filterable) => boolean {
  const wanted = include?.length ? matcher(include) : () => true
  const unwanted = exclude?.length ? matcher(exclude) : () => false
  return (session) => {
    const names = [session.projectKey, session.sessionId, ...(session.cwd === undefined ? [] : [session.cwd])]
    if (since !== undefined && (session.changedMs ?? 0) < since) return false
    return names.some((name) => wanted(name)) && !names.some((name) => unwanted(name))
  }
}

/** `*` stays within one segment of a path, `**` crosses; project keys begin with a dash and have no slash. */
function matcher(globs: readonly string[]): (name: string) => boolean {
  const match = picomatch([...globs], {dot: true})
  return (name) => match(name)
}

export function notFound(text: string): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_FOUND',
    message: `${JSON.stringify(text)} is no task, no name and no session, nor the beginning of one`,
    suggestions: ['See what there is: reprise ls', 'Name another store: --store'],
  })
}

export function ambiguous(text: string, found: readonly string[]): RepriseError {
  const shown = found.slice(0, CANDIDATES_SHOWN).join(', ')
  const rest = found.length > CANDIDATES_SHOWN ? ` and ${found.length - CANDIDATES_SHOWN} more` : ''
  return new RepriseError({
    kind: 'usage',
    code: 'SESSION_AMBIGUOUS',
    message: `${JSON.stringify(text)} is the beginning of ${found.length} sessions: ${shown}${rest}`,
    suggestions: ['Write more of the session id.'],
    details: {candidates: found},
  })
}
