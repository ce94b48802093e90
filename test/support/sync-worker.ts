import {mkdir, mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {systemClock, systemRandom} from '../../src/base/system.js'
import {silentLogger} from '../../src/base/logger.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'
import {Homes} from '../../src/store/home.js'
import {Parts} from '../../src/store/parts.js'
import type {SyncContext} from '../../src/sync/context.js'
import {FileSyncState} from '../../src/sync/sync-state.js'
import {discoverSession, type LocalSession} from '../../src/transcript/discover.js'
import {systemProcesses} from '../../src/transcript/processes.js'

export const SESSION = '11111111-2222-4333-8444-555555555555'

/** One machine: a config dir and a state directory of its own, and its way to a store. */
export class SyncWorker implements AsyncDisposable {
  readonly root: string
  readonly configDir: string
  readonly context: SyncContext
  readonly processes = systemProcesses

  private constructor(root: string, configDir: string, context: SyncContext) {
    this.root = root
    this.configDir = configDir
    this.context = context
  }

  static async start(store: ObjectStore, machine = 'a'): Promise<SyncWorker> {
    const root = await mkdtemp(join(tmpdir(), `reprise-${machine}-`))
    const configDir = join(root, '.claude')
    await mkdir(configDir, {recursive: true})
    const context: SyncContext = {
      store,
      parts: new Parts(store),
      homes: new Homes(store),
      clock: systemClock,
      random: systemRandom,
      machine,
      owner: {machine, boot: 'boot', pidNamespace: 'ns', pid: process.pid, start: machine},
      isDead: () => false,
      state: await FileSyncState.open(join(root, 'state'), store.url, configDir),
      configDir,
      uid: process.getuid?.(),
      logger: silentLogger,
    }
    return new SyncWorker(root, configDir, context)
  }

  pathOf(projectKey: string, sessionId = SESSION, subpath?: string): string {
    const base = join(this.configDir, 'projects', projectKey, sessionId)
    return `${subpath === undefined ? base : join(base, subpath)}.jsonl`
  }

  async write(projectKey: string, content: string | Uint8Array, sessionId = SESSION, subpath?: string): Promise<void> {
    const path = this.pathOf(projectKey, sessionId, subpath)
    await mkdir(dirname(path), {recursive: true})
    await writeFile(path, content)
  }

  async read(projectKey: string, sessionId = SESSION, subpath?: string): Promise<string> {
    return readFile(this.pathOf(projectKey, sessionId, subpath), 'utf8')
  }

  async session(sessionId = SESSION): Promise<LocalSession> {
    const {sessions} = await discoverSession(this.configDir, sessionId)
    const [only] = sessions
    if (!only) throw new Error('no such session here')
    return only
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.root, {recursive: true, force: true})
  }
}

/** A message, as far as syncing looks at it. */
export function message(id: number | string, text = ''): string {
  return `${JSON.stringify({type: 'user', uuid: `uuid-${id}`, message: {role: 'user', content: text || `message ${id}`}})}\n`
}

/** An entry without a uuid. */
export function bookkeeping(kind: string): string {
  return `${JSON.stringify({type: kind})}\n`
}
