import type {Logger} from '../base/logger.js'
import {systemClock, systemRandom} from '../base/system.js'
import type {DynamoRegistry} from '../registry/dynamodb/open.js'
import type {DynamoRegistryUrl} from '../registry/registry-url.js'
import {RETRIES, type StoreSettings, TIMEOUT_MS} from './open-object-store.js'

/** The registry in a table, with the settings that a program gives for its store. Nothing is sent yet. */
export function tableOpener(
  url: DynamoRegistryUrl,
  {s3, retries = RETRIES, timeoutMs = TIMEOUT_MS}: StoreSettings,
  logger: Logger,
): () => Promise<DynamoRegistry> {
  const {kind: _kind, region = s3?.region, ...table} = url
  return async () => {
    const {openDynamoRegistry} = await import('../registry/dynamodb/open.js')
    return openDynamoRegistry({
      ...table,
      clock: systemClock,
      random: systemRandom,
      logger,
      proxyEnv: process.env,
      attempts: retries + 1,
      idleTimeoutMs: timeoutMs,
      ...(region !== undefined && {region}),
      ...(s3?.credentials !== undefined && {credentials: s3.credentials}),
      ...(s3?.profile !== undefined && {profile: s3.profile}),
    })
  }
}
