import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {Observer} from '../metrics/observer.js'
import {openRetriedStore, type RetriedStore} from '../object-store/open-store.js'
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
export interface OpenedStore extends RetriedStore {
  readonly url: StoreUrl
}

/** The store behind a URL, as the settings of the run say. */
export async function openStore(url: StoreUrl, context: StoreContext): Promise<OpenedStore> {
  const {settings, clock, random, logger, observe} = context
  const {retries, timeoutMs} = settings
  const s3 = url.kind === 's3' ? s3Options(url, context) : undefined
  return {url, ...(await openRetriedStore(url, s3, {clock, random, logger, observe, retries, timeoutMs}))}
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
