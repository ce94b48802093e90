import type {S3Client} from '@aws-sdk/client-s3'
import {systemClock, systemRandom} from '../base/system.js'
import {RepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import type {Observer} from '../metrics/observer.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {openRetriedStore, type S3Settings, type StoreOpening} from '../object-store/open-store.js'
import {PrefixedObjectStore} from '../object-store/prefixed.js'
import type {S3StoreOptions} from '../object-store/s3/options.js'
import {formatStoreUrl, openPlaceholders, parseStoreUrl, type StoreUrl} from '../object-store/store-url.js'

/** How the requests to a store or table are made. */
export interface StoreSettings {
  /** For `s3://`: region, endpoint, credentials, addressing and what goes with every write. Default: the AWS SDK's own chain. */
  readonly s3?: S3Settings
  /** Tries of one request after the first. Default 3. */
  readonly retries?: number
  /** Time in which nothing moves before a try counts as failed, ms. Default 8,000. */
  readonly timeoutMs?: number
}

export const RETRIES = 3
/** All tries together stay below the 60 s after which the Agent SDK gives a call up for good. */
export const TIMEOUT_MS = 8_000

/**
 * The store behind a URL, with retries. Nothing is sent yet.
 *
 * @param lent settings that apply where `settings` says nothing.
 * @throws STORE_URL_INVALID, PLACEHOLDER_OPEN
 */
export function openerOf(
  text: string,
  settings: StoreSettings,
  logger: Logger,
  observe: Observer,
  lent: () => Promise<Partial<S3StoreOptions>> = async () => ({}),
): () => Promise<ObjectStore> {
  const url = parseStoreUrl(text, {cwd: process.cwd()})
  const [open] = openPlaceholders(url)
  if (open !== undefined) throw placeholderOpen(open, url)
  return async () => {
    const s3 = {proxyEnv: process.env, ...(await lent()), ...settings.s3}
    const {store} = await openRetriedStore(url, s3, openingOf(settings, logger, observe))
    return new PrefixedObjectStore(store, url.prefix, formatStoreUrl(url))
  }
}

/** What a store is opened with; to be handed to `withRetries` where the caller has opened it. */
export function openingOf(
  {retries = RETRIES, timeoutMs = TIMEOUT_MS}: StoreSettings,
  logger: Logger,
  observe: Observer,
): StoreOpening {
  return {clock: systemClock, random: systemRandom, logger, observe, retries, timeoutMs}
}

/** What a client of the AWS SDK is configured with, for a store of ours. The client itself is not used: it would retry on its own. */
export function settingsOf(client: S3Client): () => Promise<Partial<S3StoreOptions>> {
  return async () => {
    const {config} = client
    const endpoint = await config.endpoint?.()
    const port = endpoint?.port === undefined ? '' : `:${endpoint.port}`
    return {
      region: await config.region(),
      credentials: async () => config.credentials(),
      ...(config.forcePathStyle === true && {addressing: 'path' as const}),
      ...(endpoint && {endpoint: `${endpoint.protocol}//${endpoint.hostname}${port}${endpoint.path}`}),
    }
  }
}

function placeholderOpen(name: string, url: StoreUrl): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'PLACEHOLDER_OPEN',
    message: `{${name}} has no value in the store's URL ${formatStoreUrl(url)}`,
    suggestions: [`Write its value in place of {${name}}.`],
  })
}
