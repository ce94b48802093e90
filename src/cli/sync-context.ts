import {stat} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {DryRunObjectStore} from '../object-store/dry-run.js'
import type {StoreTotals} from '../object-store/metered.js'
import type {Registry} from '../registry/registry.js'
import {Homes} from '../store/home.js'
import {Parts} from '../store/parts.js'
import type {SyncContext} from '../sync/context.js'
import {checkRegistry} from '../sync/store-agreement.js'
import {FileStoreRecordCache} from '../sync/store-record-cache.js'
import {makeRoot} from '../sync/restore-file.js'
import {FileSyncState} from '../sync/sync-state.js'
import {claudeTempDir} from '../transcript/config-dir.js'
import {type Processes, systemProcesses} from '../transcript/processes.js'
import {projectKeyFor} from '../transcript/project-key.js'
import {deadOwners} from './dead-owners.js'
import {configDirOf, openPrefixed} from './open-prefixed.js'
import {openRegistry} from './open-registry.js'
import type {Runtime} from './runtime.js'

/** What the commands that move sessions work with. */
export interface SyncRun {
  readonly context: SyncContext
  readonly registry: Registry
  readonly processes: Processes
  /** Where claude looks for sessions when it is started in `--cwd`. */
  readonly projectKey: string
  /** What the store was sent so far; every try counts. */
  readonly sent: () => StoreTotals
}

export interface OpenSyncOptions {
  /** The value of `{task}` in the store's URL. */
  readonly task?: string | undefined
  /** Another config dir than the run's own. Absolute. */
  readonly configDir?: string | undefined
  /** The config dir is made where there is none. */
  readonly makeConfigDir?: boolean | undefined
  /** Nothing is written, whatever the use case does. */
  readonly dryRun?: boolean | undefined
  /** Also where the workers of the store agreed on something else, or on nothing that can be read: to tell why. */
  readonly whateverAgreed?: boolean | undefined
}

/** The run's first store with all that moving sessions takes. @throws PLACEHOLDER_OPEN, REGISTRY_MISMATCH */
export async function openSync(runtime: Runtime, options: OpenSyncOptions = {}): Promise<SyncRun> {
  const [url] = await runtime.storeUrls()
  if (!url) throw new Error('a run has at least one store')
  const {clock, random, logger, observe, settings} = runtime
  const opened = await openPrefixed(runtime, url, options.task)
  const store = options.dryRun ? new DryRunObjectStore(opened.store, {clock}) : opened.store
  const configDir = options.configDir ?? configDirOf(runtime)
  if (options.makeConfigDir && !options.dryRun) await makeRoot(configDir)
  const [{registry, leases}, owner, state, uid] = await Promise.all([
    openRegistry(runtime, store, {dryRun: options.dryRun ?? false}),
    runtime.owner(),
    FileSyncState.open(runtime.directories.state, store.url, configDir),
    ownerOf(configDir),
  ])
  const storeRecord = new FileStoreRecordCache(runtime.directories.cache, store.url, clock)
  const context: SyncContext = {
    store,
    parts: new Parts(store, {concurrency: settings.concurrency, signal: runtime.signal}),
    homes: new Homes(store),
    leases,
    storeRecord: options.dryRun ? {...nothingWritten, read: async () => storeRecord.read()} : storeRecord,
    clock,
    random,
    machine: owner.machine,
    owner,
    isDead: deadOwners(owner),
    state: options.dryRun ? {...nothingWritten, read: async (sessionId) => state.read(sessionId)} : state,
    configDir,
    uid,
    compactAt: settings.compactAt,
    maxBytes: settings.maxBytes,
    ...(uid !== undefined && {claudeTemp: claudeTempDir({env: runtime.env, temp: tmpdir(), uid})}),
    logger,
    observe,
  }
  if (!options.whateverAgreed) await checkRegistry(context)
  return {
    context,
    registry,
    processes: systemProcesses,
    projectKey: await projectKeyOfRun(runtime),
    sent: () => opened.totals(),
  }
}

export async function projectKeyOfRun({settings, env}: Runtime): Promise<string> {
  return projectKeyFor(settings.cwd, {
    configDirSet: settings.configDir !== undefined || (env['CLAUDE_CONFIG_DIR'] ?? '') !== '',
    projectDirName: env['CLAUDE_CODE_PROJECT_DIR_NAME'],
  })
}

/** The uid that must own what is read below a config dir; undefined where there are none. */
export async function ownerOf(configDir: string): Promise<number | undefined> {
  const found = await stat(configDir).catch(() => undefined)
  return process.getuid === undefined ? undefined : (found?.uid ?? process.getuid())
}

/** Of a dry run: what is known is used, and nothing is added. */
const nothingWritten = {write: async (): Promise<void> => undefined}
