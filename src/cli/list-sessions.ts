import {stat} from 'node:fs/promises'
import {string} from '@oclif/core/flags'
import pMap from 'p-map'
import {type Arrangement, type Sort, SORTS} from '../sync/arrange-sessions.js'
import type {ListedSession} from '../sync/list-sessions.js'
import {parseDuration} from './duration.js'
import {withEnvironment} from './flags.js'
import {configDirOf} from './open-prefixed.js'
import {openCodexHome, type OpenSourcesOptions, openSources, warnOfLeftOut} from './open-sources.js'
import type {Runtime} from './runtime.js'
import {parseWhole} from './whole.js'

const STORES_AT_ONCE = 4

export const listFlags = withEnvironment({
  project: string({summary: 'Only of this project: a part of its key or cwd.', helpValue: '<text>'}),
  task: string({summary: 'Only of this task.', helpValue: '<task>'}),
  name: string({summary: 'Only with this name.', helpValue: '<name>'}),
  machine: string({summary: 'Only last written by this machine.', helpValue: '<machine>'}),
  agent: string({summary: 'Only of this agent.', helpValue: '<claude|codex>'}),
  since: string({summary: 'Only what was active within this time.', helpValue: '<7d>'}),
  grep: string({
    summary: 'Only where title, first prompt, task, name, cwd or id holds this text.',
    helpValue: '<text>',
  }),
  sort: string({summary: `By ${SORTS.join(', ')} (default: updated).`, helpValue: '<key>', options: [...SORTS]}),
})

interface ListFlags extends Omit<Arrangement, 'since' | 'sort' | 'limit'> {
  readonly since?: string | undefined
  readonly sort?: string | undefined
  readonly limit?: string | undefined
}

/** @throws DURATION_INVALID, FLAG_INVALID */
export function listingOf(flags: ListFlags, {clock}: Pick<Runtime, 'clock'>): Arrangement {
  const {project, task, name, machine, agent, grep, since, sort, limit} = flags
  return {
    project,
    task,
    name,
    machine,
    agent,
    grep,
    since: since === undefined ? undefined : clock.now() - parseDuration(since, '--since'),
    sort: sort as Sort | undefined,
    limit: limit === undefined ? undefined : parseWhole(limit, '--limit'),
  }
}

/** The sessions of every store of the run, or those of this machine. */
export async function listSessions(
  runtime: Runtime,
  {local, ...options}: OpenSourcesOptions & {readonly local: boolean},
): Promise<readonly ListedSession[]> {
  if (local) {
    const urls = await runtime.storeUrls()
    const [{listLocal}, {FileSyncState}] = await Promise.all([
      import('../sync/list-local.js'),
      import('../sync/sync-state.js'),
    ])
    const [url] = urls
    if (!url) return []
    const {formatStoreUrl} = await import('../object-store/store-url.js')
    const configDir = configDirOf(runtime)
    const state = await FileSyncState.open(runtime.directories.state, formatStoreUrl(url), configDir)
    const owner = await stat(configDir).catch(() => undefined)
    const claude = await listLocal(configDir, state, process.getuid === undefined ? undefined : owner?.uid)
    return [...claude, ...(await (await openCodexHome(runtime)).rows())]
  }
  const sources = await openSources(runtime, options)
  const rows = await pMap(
    sources,
    async (source) => {
      const found = await source.rows()
      warnOfLeftOut(runtime, source.url, await source.leftOut())
      return found
    },
    {concurrency: STORES_AT_ONCE},
  )
  return rows.flat()
}
