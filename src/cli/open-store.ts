import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {Settings} from './settings.js'
import {parseStoreUrl} from './store-url.js'

export interface StoreContext {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly workingDirectory: string
}

/**
 * The store behind a URL, with retries and metering around it. Adapters are imported here and only when used: an AWS client
 * alone costs more than everything else at start-up.
 */
export async function openStore(url: string, context: StoreContext): Promise<ObjectStore> {
  const {settings, clock, random, logger} = context
  const adapter = await openAdapter(url, context)
  const {RetryingObjectStore} = await import('../object-store/retrying.js')
  return new RetryingObjectStore(adapter, {
    clock,
    random,
    attempts: settings.retries + 1,
    timeoutMs: settings.timeoutMs,
    onRetry: ({operation, key, attempt, waitedMs, error}) =>
      logger.debug('retry', {operation, key, attempt, waitedMs, code: error.code}),
  })
}

async function openAdapter(url: string, {clock, random, workingDirectory}: StoreContext): Promise<ObjectStore> {
  const address = parseStoreUrl(url, workingDirectory)
  if (address.type === 'file') {
    const {FileObjectStore} = await import('../object-store/file/file-object-store.js')
    return new FileObjectStore({directory: address.directory, clock, random})
  }
  throw new Error('s3')
}
