import {boolean, string} from '@oclif/core/flags'
import {type Chain, chooseChain, type StoredPlace} from '../inspect/choose-chain.js'
import {Homes} from '../store/home.js'
import {Parts} from '../store/parts.js'
import {withEnvironment} from './flags.js'
import {configDirOf, openReadable} from './open-prefixed.js'
import {openRegistry} from './open-registry.js'
import {openTaskOf} from './open-tasks.js'
import type {Runtime} from './runtime.js'
import {taskFlag} from './session-flags.js'
import {ownerOf, projectKeyOfRun} from './sync-context.js'

/** Which session a command shows. */
export const chainFlags = withEnvironment({
  local: boolean({summary: 'As the session lies on this machine.'}),
  session: string({
    summary: 'Of a task or name this one session alone: its id, or the beginning of it.',
    helpValue: '<id>',
  }),
  task: taskFlag,
})

interface ChainFlags {
  readonly local: boolean
  readonly session?: string | undefined
  readonly task?: string | undefined
}

/**
 * The sessions that a command shows, from every store of the run and this machine. Nothing is written.
 *
 * @param named SESSION, as a person wrote it.
 * @throws SESSION_NOT_FOUND, SESSION_AMBIGUOUS, SESSION_MISSING
 */
export async function openChain(runtime: Runtime, named: string | undefined, flags: ChainFlags): Promise<Chain> {
  const {local, session, task} = flags
  const text = named ?? (session === undefined ? task : undefined)
  const configDir = configDirOf(runtime)
  const [projectKey, uid] = await Promise.all([projectKeyOfRun(runtime), ownerOf(configDir)])
  const places = {local: {configDir, uid, projectKey}, stores: openPlaces(runtime, text, task), logger: runtime.logger}
  return chooseChain(places, {text, session, local})
}

async function* openPlaces(
  runtime: Runtime,
  text: string | undefined,
  task: string | undefined,
): AsyncIterable<StoredPlace> {
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
