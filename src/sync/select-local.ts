import pMap from 'p-map'
import {RepriseError} from '../base/errors.js'
import type {Registry} from '../registry/registry.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'
import {parseObject} from '../transcript/entry-identity.js'
import {LineSplitter} from '../transcript/lines.js'
import {openPlainFile} from '../transcript/safe-open.js'
import type {SyncContext} from './context.js'
import {resolveSession, sessionFilter, type SessionFilter, type SessionSources} from './select-sessions.js'

/** Far enough to meet the first entry that names a cwd. */
const HEAD_BYTES = 64 * 1024

export interface LocalSelection extends SessionFilter {
  /** As a person wrote them: tasks, names, ids, prefixes. Empty: those of `projectKey`, or all. */
  readonly named: readonly string[]
  /** Of the run's cwd. */
  readonly projectKey: string
  /** Every project key. */
  readonly all: boolean
}

/**
 * The sessions of this machine that are meant, one after the other where a session lies under two project keys.
 *
 * @throws what `resolveSession` throws; SESSION_NOT_HERE for a session that is known, but has no file on this machine.
 */
export async function selectLocal(
  {configDir, uid, logger}: Pick<SyncContext, 'configDir' | 'uid' | 'logger'>,
  registry: Registry,
  {named, projectKey, all, ...filter}: LocalSelection,
): Promise<readonly LocalSession[]> {
  const everywhere = all || named.length > 0
  const {sessions} = await discoverSessions(configDir, everywhere ? {} : {projectKey})
  const meant = named.length === 0 ? sessions : await pickNamed(named, sessions, {registry, logger})
  const needsCwd = [...(filter.include ?? []), ...(filter.exclude ?? [])].some((glob) => glob.includes('/'))
  const passes = sessionFilter(filter)
  const kept = await pMap(
    meant,
    async (session) => {
      const cwd = needsCwd ? await cwdOf(session, uid) : undefined
      return passes({...session, cwd, changedMs: changedMs(session)})
    },
    {concurrency: 16},
  )
  return meant.filter((_, at) => kept[at])
}

/** When a file of the session's transcripts changed last, by the disk's clock. */
export function changedMs({main, subagents}: LocalSession): number {
  return Math.max(main?.mtimeMs ?? 0, ...subagents.map(({transcript}) => transcript.mtimeMs))
}

async function pickNamed(
  named: readonly string[],
  sessions: readonly LocalSession[],
  known: Pick<SessionSources, 'registry' | 'logger'>,
): Promise<readonly LocalSession[]> {
  const localIds = async () => [...new Set(sessions.map(({sessionId}) => sessionId))]
  const ids = new Set<string>()
  for (const text of named) {
    const id = await resolveSession(text, {...known, localIds})
    if (!sessions.some(({sessionId}) => sessionId === id)) throw notHere(id)
    ids.add(id)
  }
  return sessions.filter(({sessionId}) => ids.has(sessionId))
}

async function cwdOf({main}: LocalSession, owner: number | undefined): Promise<string | undefined> {
  const opened = main && (await openPlainFile(main.path, {owner}).catch(() => undefined))
  if (!opened) return undefined
  try {
    const {buffer, bytesRead} = await opened.handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    for (const {bytes} of new LineSplitter().push(buffer.subarray(0, bytesRead))) {
      const cwd = parseObject(bytes)?.['cwd']
      if (typeof cwd === 'string') return cwd
    }
    return undefined
  } finally {
    await opened.handle.close()
  }
}

function notHere(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_HERE',
    message: `session ${sessionId} is not on this machine`,
    suggestions: [`Bring it here: reprise pull ${sessionId}`, 'Name another config dir: --config-dir'],
  })
}
