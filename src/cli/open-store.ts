import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import {MeteredObjectStore, type StoreTotals} from '../object-store/metered.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {RetryingObjectStore} from '../object-store/retrying.js'
import type {StoreUrl} from '../object-store/store-url.js'
import type {Settings} from './settings.js'

export interface StoreContext {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** A store with what its URL said; keys are whole keys, so `url.prefix` goes before them. */
export interface OpenedStore {
  readonly url: StoreUrl
  readonly store: ObjectStore
  /** Every try counts. */
  totals(): StoreTotals
}

/**
 * The store behind a URL: retries outside, so that the meter and the debug log see every try. Adapters are imported only
 * when used: an AWS client alone costs more than everything else at start-up.
 */
export async function openStore(url: StoreUrl, context: StoreContext): Promise<OpenedStore> {
  const {settings, clock, random, logger} = context
  const adapter = await openAdapter(url, context)
  const metered = new MeteredObjectStore(adapter, {
    clock,
    observe: ({operation, key, bytes, ms, attempt, outcome}) =>
      logger.debug(`store ${operation}`, {key, bytes, ms, attempt, outcome}),
  })
  const store = new RetryingObjectStore(metered, {
    clock,
    random,
    attempts: settings.retries + 1,
    timeoutMs: settings.timeoutMs,
    onRetry: ({operation, key, attempt, waitedMs, error}) =>
      logger.warn(`store ${operation} is tried again`, {key, attempt, waitedMs, code: error.code}),
  })
  return {url, store, totals: () => metered.totals()}
}

async function openAdapter(url: StoreUrl, {clock, random}: StoreContext): Promise<ObjectStore> {
  if (url.kind === 's3') throw new Error('s3')
  const {FileObjectStore} = await import('../object-store/file/file-object-store.js')
  return new FileObjectStore({directory: url.dir, clock, random})
}
