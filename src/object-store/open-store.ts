import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {Observer} from '../metrics/observer.js'
import {MeteredObjectStore, type StoreTotals} from './metered.js'
import type {ObjectStore} from './object-store.js'
import {RetryPolicy} from './retry-policy.js'
import {RetryingObjectStore} from './retrying.js'
import type {S3StoreOptions} from './s3/options.js'
import type {StoreUrl} from './store-url.js'

/** What a bucket is opened with besides its name. */
export type S3Settings = Omit<S3StoreOptions, 'bucket' | 'prefix' | 'retries'>

export interface StoreOpening {
  readonly clock: Clock
  readonly random: Random
  /** Told of every try at the level of debug, of every retry as a warning. */
  readonly logger: Logger
  readonly observe: Observer
  /** Tries of one request after the first. */
  readonly retries: number
  /** Time in which nothing moves before a try counts as failed, ms. */
  readonly timeoutMs: number
}

/** A store with retries. Keys are whole keys: the prefix of its URL is for the caller to add. */
export interface RetriedStore {
  readonly store: ObjectStore
  /** Every try counts. */
  totals(): StoreTotals
}

/**
 * The store behind a URL, with retries at one pace for whole calls and for the requests inside of them. Adapters are imported only
 * when used: an AWS client alone costs more than everything else at start-up. Nothing is sent yet.
 *
 * @throws ENDPOINT_REFUSED, REGION_MISSING (usage)
 */
export async function openRetriedStore(
  url: StoreUrl,
  s3: S3Settings | undefined,
  opening: StoreOpening,
): Promise<RetriedStore> {
  const {clock, random, timeoutMs} = opening
  const policy = policyOf(opening)
  if (url.kind === 's3') {
    const {openS3ObjectStore} = await import('./s3/s3-object-store.js')
    const {bucket, prefix} = url
    const store = await openS3ObjectStore({idleTimeoutMs: timeoutMs, ...s3, bucket, prefix, retries: policy})
    // It has a limit on each connection, which also lets a slow upload be slow.
    return retried(store, opening, policy, undefined)
  }
  const {FileObjectStore} = await import('./file/file-object-store.js')
  return retried(new FileObjectStore({directory: url.dir, clock, random}), opening, policy, timeoutMs)
}

/** The same around a store that the caller has opened. */
export function withRetries(adapter: ObjectStore, opening: StoreOpening): RetriedStore {
  return retried(adapter, opening, policyOf(opening), opening.timeoutMs)
}

/** Retries outside, so that the meter and the debug log see every try. */
function retried(
  adapter: ObjectStore,
  {clock, random, logger}: StoreOpening,
  policy: RetryPolicy,
  timeoutMs: number | undefined,
): RetriedStore {
  const metered = new MeteredObjectStore(adapter, {
    clock,
    observe: ({operation, key, bytes, bytesCopied, ms, attempt, outcome}) => {
      const copied = bytesCopied > 0 && {bytesCopied}
      logger.debug(`store ${operation}`, {key, bytes, ...copied, ms, attempt, outcome})
    },
  })
  const store = new RetryingObjectStore(metered, {
    clock,
    random,
    policy,
    ...(timeoutMs === undefined ? {} : {timeoutMs}),
  })
  return {store, totals: () => metered.totals()}
}

function policyOf({clock, random, logger, observe, retries}: StoreOpening): RetryPolicy {
  return new RetryPolicy({
    clock,
    random,
    attempts: retries + 1,
    onRetry({operation, key, attempt, waitedMs, error: {code}}) {
      logger.warn(`store ${operation} is tried again`, {key, attempt, waitedMs, code})
      observe({type: 'retry', operation, key, attempt, code, delayMs: waitedMs})
    },
  })
}
