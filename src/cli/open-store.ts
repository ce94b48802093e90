import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {Observer} from '../metrics/observer.js'
import {MeteredObjectStore, type StoreTotals} from '../object-store/metered.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {RetryPolicy} from '../object-store/retry-policy.js'
import {RetryingObjectStore} from '../object-store/retrying.js'
import type {S3StoreOptions} from '../object-store/s3/options.js'
import type {S3StoreUrl, StoreUrl} from '../object-store/store-url.js'
import type {Environment} from './environment.js'
import type {Settings} from './settings.js'

export interface StoreContext {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly env: Environment
  readonly observe: Observer
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
  const {settings, clock, random, logger, observe} = context
  const policy = new RetryPolicy({
    clock,
    random,
    attempts: settings.retries + 1,
    onRetry({operation, key, attempt, waitedMs, error: {code}}) {
      logger.warn(`store ${operation} is tried again`, {key, attempt, waitedMs, code})
      observe({type: 'retry', operation, key, attempt, code, delayMs: waitedMs})
    },
  })
  const adapter = await openAdapter(url, context, policy)
  const metered = new MeteredObjectStore(adapter, {
    clock,
    observe: ({operation, key, bytes, ms, attempt, outcome}) =>
      logger.debug(`store ${operation}`, {key, bytes, ms, attempt, outcome}),
  })
  const store = new RetryingObjectStore(metered, {
    clock,
    random,
    policy,
    // S3 has a limit on each connection, which also lets a slow upload be slow.
    ...(url.kind === 's3' ? {} : {timeoutMs: settings.timeoutMs}),
  })
  return {url, store, totals: () => metered.totals()}
}

async function openAdapter(url: StoreUrl, context: StoreContext, retries: RetryPolicy): Promise<ObjectStore> {
  const {clock, random} = context
  if (url.kind === 's3') {
    const {openS3ObjectStore} = await import('../object-store/s3/s3-object-store.js')
    return openS3ObjectStore({...s3Options(url, context), retries})
  }
  const {FileObjectStore} = await import('../object-store/file/file-object-store.js')
  return new FileObjectStore({directory: url.dir, clock, random})
}

/** The settings of a run for a bucket. */
export function s3Options(
  {bucket, prefix}: S3StoreUrl,
  {settings, env}: Pick<StoreContext, 'settings' | 'env'>,
): S3StoreOptions {
  return {
    bucket,
    prefix,
    addressing: settings.addressing,
    insecure: settings.insecure,
    concurrency: settings.concurrency,
    idleTimeoutMs: settings.timeoutMs,
    proxyEnv: env,
    ...given('endpoint', settings.endpointUrl),
    ...given('region', settings.region),
    ...given('profile', settings.profile),
    ...given('sse', settings.sse),
    ...given('sseKmsKeyId', settings.sseKmsKeyId),
    ...given('storageClass', settings.storageClass),
    ...given('expectedBucketOwner', settings.expectedBucketOwner),
  }
}

/** A setting that nobody gave is left to the SDK, which asks its own environment and files. */
function given<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({[key]: value} as Record<K, string>)
}
