import {RepriseError} from '../base/errors.js'
import type {Chain} from '../inspect/choose-chain.js'
import {findLocalSession} from '../inspect/local-session.js'
import {StoredSession} from '../inspect/stored-session.js'
import {Parts} from '../store/parts.js'
import {listStored} from '../sync/list-sessions.js'
import {FileSummaryCache} from '../sync/summary-cache.js'
import {discoverSessions} from '../transcript/discover.js'
import {parseDuration} from './duration.js'
import {openChain} from './open-inspection.js'
import {configDirOf, openReadable} from './open-prefixed.js'
import type {Runtime} from './runtime.js'
import {ownerOf, projectKeyOfRun} from './sync-context.js'

interface WantedFlags extends Omit<OpenAllOptions, 'since'> {
  readonly all: boolean
  readonly session?: string | undefined
  readonly since?: string | undefined
}

/**
 * What a command works on: with `--all` every session by itself, else the sessions of the one that is named.
 *
 * @throws DURATION_INVALID, ARGUMENT_UNEXPECTED, and what `openChain` throws.
 */
export async function openWanted(
  runtime: Runtime,
  named: string | undefined,
  {all, since, ...flags}: WantedFlags,
): Promise<readonly Chain[]> {
  if (!all) return [await openChain(runtime, named, flags)]
  if (named === undefined) {
    const from = since === undefined ? undefined : runtime.clock.now() - parseDuration(since, '--since')
    return openAll(runtime, {...flags, since: from})
  }
  throw new RepriseError({
    kind: 'usage',
    code: 'ARGUMENT_UNEXPECTED',
    message: `--all means every session: there is nothing for ${JSON.stringify(named)} to say`,
    suggestions: ['Leave out one of the two.'],
  })
}

interface OpenAllOptions {
  /** As they lie on this machine. */
  readonly local: boolean
  readonly task?: string | undefined
  /** Only what was active at or after this time, ms since the epoch. */
  readonly since?: number | undefined
}

/** Every session of the run's stores, or of this machine, each by itself; one that lies in several stores is of the first. */
async function openAll(runtime: Runtime, options: OpenAllOptions): Promise<readonly Chain[]> {
  return options.local ? openLocal(runtime, options) : openStored(runtime, options)
}

async function openStored(runtime: Runtime, {task, since = -Infinity}: OpenAllOptions): Promise<readonly Chain[]> {
  const {settings, signal, directories} = runtime
  const chains = new Map<string, Chain>()
  for (const url of await runtime.storeUrls()) {
    for (const store of await openReadable(runtime, url, task)) {
      const parts = new Parts(store, {concurrency: settings.concurrency, signal})
      for (const row of await listStored(store, new FileSummaryCache(directories.cache, store.url))) {
        const {sessionId, projectKey: homeKey, updatedAt} = row
        const isWanted = updatedAt === undefined || Date.parse(updatedAt) >= since
        if (!isWanted || (task !== undefined && row.task !== task) || chains.has(sessionId)) continue
        const named = {...(row.task !== undefined && {task: row.task}), ...(row.name !== undefined && {name: row.name})}
        chains.set(sessionId, {...named, sessions: [new StoredSession(parts, {homeKey, sessionId})], missing: []})
      }
    }
  }
  return [...chains.values()]
}

async function openLocal(runtime: Runtime, {since = -Infinity}: OpenAllOptions): Promise<readonly Chain[]> {
  const configDir = configDirOf(runtime)
  const [projectKey, uid] = await Promise.all([projectKeyOfRun(runtime), ownerOf(configDir)])
  const {sessions} = await discoverSessions(configDir)
  const wanted = sessions.filter(({main}) => (main?.mtimeMs ?? 0) >= since)
  const ids = [...new Set(wanted.map(({sessionId}) => sessionId))]
  const found = await Promise.all(ids.map(async (id) => findLocalSession({configDir, uid, projectKey}, id)))
  return found.flatMap((origin) => (origin ? [{sessions: [origin], missing: []}] : []))
}
