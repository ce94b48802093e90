import type {ObjectStore} from '../object-store/object-store.js'
import type {DynamoRegistryOptions} from '../registry/dynamodb/options.js'
import type {LeaseTable} from '../registry/lease-table.js'
import {type DynamoRegistryUrl, parseRegistryUrl} from '../registry/registry-url.js'
import type {Registry} from '../registry/registry.js'
import {StoreLeaseTable} from '../registry/store-lease-table.js'
import {StoreRegistry} from '../registry/store-registry.js'
import type {Runtime} from './runtime.js'

export interface OpenedRegistry {
  readonly registry: Registry
  readonly leases: LeaseTable
}

export interface OpenRegistryOptions {
  /** Nothing is written. A registry in the store writes what the store does. */
  readonly dryRun: boolean
}

/**
 * Where the run's tasks, names and leases are kept; closed when the command ends.
 *
 * @throws REGION_MISSING, ENDPOINT_REFUSED
 */
export async function openRegistry(
  runtime: Runtime,
  store: ObjectStore,
  {dryRun}: OpenRegistryOptions,
): Promise<OpenedRegistry> {
  const url = parseRegistryUrl(runtime.settings.registry)
  if (url.kind === 'dynamodb') return openTable(runtime, url, dryRun)
  const {clock, random} = runtime
  return {registry: new StoreRegistry({store, clock, random}), leases: new StoreLeaseTable(store)}
}

async function openTable(runtime: Runtime, url: DynamoRegistryUrl, dryRun: boolean): Promise<OpenedRegistry> {
  const {openDynamoRegistry} = await import('../registry/dynamodb/open.js')
  const opened = await openDynamoRegistry({...tableOptions(url, runtime), dryRun})
  runtime.onCleanup(() => opened.close())
  return opened
}

/** The settings of a run for a table. */
export function tableOptions(url: DynamoRegistryUrl, runtime: Runtime): DynamoRegistryOptions {
  const {settings, clock, random, logger, env} = runtime
  const {profile, insecure, concurrency, retries, timeoutMs} = settings
  const {table, index, ttlDays, region = settings.region} = url
  return {
    table,
    clock,
    random,
    logger,
    insecure,
    concurrency,
    attempts: retries + 1,
    idleTimeoutMs: timeoutMs,
    proxyEnv: env,
    ...(index !== undefined && {index}),
    ...(ttlDays !== undefined && {ttlDays}),
    ...(region !== undefined && {region}),
    ...(profile !== undefined && {profile}),
  }
}
