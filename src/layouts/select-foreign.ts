import {RepriseError} from '../base/errors.js'
import type {ForeignSession} from './foreign-session.js'
import type {ForeignSource} from './foreign-source.js'

const SHORTEST_PREFIX = 4
const CANDIDATES_SHOWN = 10

/** A session, and where it is read from. */
export interface FoundSession {
  readonly source: ForeignSource
  readonly session: ForeignSession
  /** All stores that were asked: what a fork rests on may lie in another one. */
  readonly beside: readonly ForeignSource[]
}

/**
 * The session that a person or program named: the URI of its main transcript, an exact name, an exact id, a unique prefix of
 * one of at least four characters, in this order.
 *
 * @returns undefined when there is none.
 * @throws SESSION_AMBIGUOUS: the same id may lie under several machines.
 */
export async function findForeign(sources: readonly ForeignSource[], text: string): Promise<FoundSession | undefined> {
  const all = await allForeign(sources)
  const id = text.toLowerCase()
  const isPrefix = id.length >= SHORTEST_PREFIX && /^[0-9a-f-]+$/.test(id)
  const ways: ((session: ForeignSession) => boolean)[] = [
    ({uri}) => uri === text,
    ({name}) => name === text,
    ({sessionId}) => sessionId.toLowerCase() === id,
    ({sessionId}) => isPrefix && sessionId.toLowerCase().startsWith(id),
  ]
  for (const isMeant of ways) {
    const found = all.filter(({session}) => isMeant(session))
    const [only, ...more] = found
    if (only && more.length === 0) return only
    if (only)
      throw ambiguous(
        text,
        found.map(({session}) => session.uri),
      )
  }
  return undefined
}

/** Every session of the sources, by keys alone. */
export async function allForeign(sources: readonly ForeignSource[]): Promise<readonly FoundSession[]> {
  const listings = await Promise.all(
    sources.map(async (source) =>
      (await source.listing()).sessions.map((session) => ({source, session, beside: sources})),
    ),
  )
  return listings.flat()
}

/** Those that were held in a directory: Claude's by its project key, Codex's by what they say themselves. */
export async function foreignOfProject(
  sources: readonly ForeignSource[],
  {projectKey, cwd}: {readonly projectKey: string; readonly cwd: string},
): Promise<readonly FoundSession[]> {
  const all = await allForeign(sources)
  const codex = all.some(({session}) => session.agent === 'codex')
  const rows = codex ? (await Promise.all(sources.map(async (source) => source.rows()))).flat() : []
  const here = new Set(rows.filter((row) => row.agent === 'codex' && row.cwd === cwd).map(({uri}) => uri))
  return all.filter(({session}) =>
    session.agent === 'codex' ? here.has(session.uri) : session.projectKey === projectKey,
  )
}

function ambiguous(text: string, uris: readonly string[]): RepriseError {
  const shown = uris.slice(0, CANDIDATES_SHOWN).join(', ')
  const rest = uris.length > CANDIDATES_SHOWN ? ` and ${uris.length - CANDIDATES_SHOWN} more` : ''
  return new RepriseError({
    kind: 'usage',
    code: 'SESSION_AMBIGUOUS',
    message: `${JSON.stringify(text)} means ${uris.length} sessions: ${shown}${rest}`,
    suggestions: ['Name one by where it lies.', 'Write more of the session id.'],
    details: {candidates: uris},
  })
}
