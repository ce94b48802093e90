import type {Places, StoredPlace} from '../inspect/choose-chain.js'
import {Homes} from '../store/home.js'
import {Parts} from '../store/parts.js'
import {configDirOf, openReadable} from './open-prefixed.js'
import {openRegistry} from './open-registry.js'
import {openTaskOf} from './open-tasks.js'
import type {Runtime} from './runtime.js'
import {ownerOf, projectKeyOfRun} from './sync-context.js'

export interface OpenInspectionOptions {
  /** As a person wrote it. */
  readonly text?: string | undefined
  /** The value of `{task}` in the stores' URLs. */
  readonly task?: string | undefined
}

/** Where a command that shows sessions looks for them: every store of the run, and this machine. Nothing is written. */
export async function openInspection(runtime: Runtime, options: OpenInspectionOptions): Promise<Places> {
  const configDir = configDirOf(runtime)
  const [projectKey, uid] = await Promise.all([projectKeyOfRun(runtime), ownerOf(configDir)])
  return {local: {configDir, uid, projectKey}, stores: openPlaces(runtime, options), logger: runtime.logger}
}

async function* openPlaces(runtime: Runtime, {text, task}: OpenInspectionOptions): AsyncIterable<StoredPlace> {
  const {settings, signal} = runtime
  for (const [at, url] of (await runtime.storeUrls()).entries()) {
    const open = task ?? (at === 0 ? await openTaskOf(runtime, text) : undefined)
    for (const store of await openReadable(runtime, url, open)) {
      const {registry} = await openRegistry(runtime, store, {dryRun: true})
      const parts = new Parts(store, {concurrency: settings.concurrency, signal})
      yield {store, parts, homes: new Homes(store), registry}
    }
  }
}
