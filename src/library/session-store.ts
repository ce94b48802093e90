import {hostname} from 'node:os'
import type {S3Client} from '@aws-sdk/client-s3'
import {type Logger, silentLogger} from '../base/logger.js'
import {systemClock, systemRandom} from '../base/system.js'
import {publishEvent} from '../metrics/channels.js'
import type {Metrics} from '../metrics/metrics.js'
import {observeMetrics} from '../metrics/mirror-metrics.js'
import {combineObservers, type Observer} from '../metrics/observer.js'
import {ObjectStoreDecorator} from '../object-store/decorator.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {withRetries} from '../object-store/open-store.js'
import type {SessionStoreContext} from '../sdk/context.js'
import {MirrorSessionStore} from '../sdk/session-store.js'
import type {ProjectKeyRule} from '../sdk/place.js'
import type {FoldSummary} from '../sdk/types.js'
import {backgroundClock} from './background-clock.js'
import {LeaseKeeper} from './lease-keeper.js'
import {openerOf, openingOf, settingsOf, type StoreSettings} from './open-object-store.js'

export interface SessionStoreOptions extends StoreSettings {
  /**
   * Under which project key sessions lie: `given` (default) as the SDK names it; `home` under the one that they were first stored
   * under, so that a worker with another cwd resumes them; anything else under that one.
   */
  readonly projectKey?: ProjectKeyRule
  /** Hold the lease of each session from its first append on, so that no two write one. Default false. */
  readonly lease?: boolean
  /** Where leases are kept: `store` (default), or `dynamodb://table`. All workers of a store must say the same. */
  readonly registry?: string
  /** Told of each append, retry, failure and flush; the same goes to `node:diagnostics_channel` (`reprise:append` and so on). */
  readonly onEvent?: Observer
  readonly metrics?: Metrics
  /** pino's shape turned round is wrapped by `pinoLogger`. Default: silent. */
  readonly logger?: Logger
  /** Bytes that may wait to be stored; more appends wait for room. Default 64 MiB. */
  readonly maxPendingBytes?: number
  /** Time for reading a transcript that is there already, before its first append goes up beside the chain, ms. Default 20,000. */
  readonly readLimitMs?: number
  /** Parts of a transcript at which it is compacted in the background; 0: never. Default 64. */
  readonly compactAt?: number
  /** The SDK's function of this name. Default: taken from the SDK, where the program has it. */
  readonly foldSessionSummary?: FoldSummary
}

/** A store that the caller has opened, and that is closed with the session store. */
export interface GivenObjectStore {
  readonly objectStore: ObjectStore
}

export interface S3SessionStoreOptions extends SessionStoreOptions {
  readonly bucket: string
  /** Ends in `/` or not. */
  readonly prefix?: string
  /** Lends its region, endpoint, addressing and credentials. */
  readonly client?: S3Client
}

const MIB = 1024 * 1024

/**
 * The Agent SDK's `SessionStore` over any store of this package: `s3://bucket/prefix`, `file:///dir`, a path, or an object store.
 * Nothing is sent before the first call.
 *
 * @throws STORE_URL_INVALID, PLACEHOLDER_OPEN, REGISTRY_INVALID
 */
export function createSessionStore(
  target: string | GivenObjectStore,
  options: SessionStoreOptions = {},
): MirrorSessionStore {
  const {logger = silentLogger} = options
  const observe = observerOf(options)
  const open =
    typeof target === 'string'
      ? openerOf(target, options, logger, observe)
      : async () => withRetries(target.objectStore, openingOf(options, logger, observe)).store
  return new MirrorSessionStore(contextOf(options, observe, open))
}

/** The Agent SDK's `SessionStore` on S3; takes the place of the reference adapter and reads what that one wrote. */
export class S3SessionStore extends MirrorSessionStore {
  constructor(options: S3SessionStoreOptions) {
    const {bucket, prefix = '', client, logger = silentLogger} = options
    const observe = observerOf(options)
    const url = `s3://${bucket}/${prefix}`
    super(
      contextOf(options, observe, async () => {
        const fromClient = client ? await settingsOf(client)() : {}
        return openerOf(url, {...options, s3: {...fromClient, ...options.s3}}, logger, observe)()
      }),
    )
  }
}

function observerOf({onEvent, metrics}: SessionStoreOptions): Observer {
  const measured = metrics && observeMetrics(metrics, {Machine: hostname()})
  return combineObservers([publishEvent, onEvent, measured])
}

function contextOf(
  options: SessionStoreOptions,
  observe: Observer,
  open: () => Promise<ObjectStore>,
): SessionStoreContext {
  const {foldSessionSummary, logger = silentLogger} = options
  const keeper = options.lease ? new LeaseKeeper(options.registry ?? 'store', options, logger) : undefined
  return {
    open: keeper ? async () => new StoreWithLeases(await open(), keeper) : open,
    clock: systemClock,
    background: backgroundClock,
    random: systemRandom,
    logger,
    machine: hostname(),
    projectKey: options.projectKey ?? 'given',
    ...(keeper && {acquire: async (store, sessionId) => keeper.acquire(store, sessionId)}),
    foldSummary: async () => foldSessionSummary ?? foldOfSdk(),
    observe,
    maxPendingBytes: options.maxPendingBytes ?? 64 * MIB,
    readLimitMs: options.readLimitMs ?? 20_000,
    compactAt: options.compactAt ?? 64,
  }
}

/** The SDK is no dependency: a program that mirrors its sessions has it. */
async function foldOfSdk(): Promise<FoldSummary | undefined> {
  const {foldSessionSummary} = await import('@anthropic-ai/claude-agent-sdk')
  return foldSessionSummary
}

/** Closes with the store what leases were taken through. */
class StoreWithLeases extends ObjectStoreDecorator {
  readonly #keeper: LeaseKeeper

  constructor(store: ObjectStore, keeper: LeaseKeeper) {
    super(store)
    this.#keeper = keeper
  }

  override async close(): Promise<void> {
    await this.#keeper.close()
    await super.close()
  }
}
