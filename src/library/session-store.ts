import {hostname} from 'node:os'
import type {S3Client} from '@aws-sdk/client-s3'
import type {Logger} from '../base/logger.js'
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
import {checkKey, type ProjectKeyRule} from '../sdk/place.js'
import type {FoldSummary} from '../sdk/types.js'
import {backgroundClock} from './background-clock.js'
import {LeaseKeeper} from './lease-keeper.js'
import {openerOf, openingOf, settingsOf, type StoreSettings} from './open-object-store.js'
import {loggerOf, type ProgramLogger} from './program-logger.js'

/** How a session store works; every option may be left out. */
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
  /** A logger of pino, or another one of its shape. Default: silent. */
  readonly logger?: ProgramLogger
  /** Bytes that may wait to be stored; more appends wait for room. Default 64 MiB. */
  readonly maxPendingBytes?: number
  /** Time for reading a transcript that is there already, before its first append goes up beside the chain, ms. Default 20,000. */
  readonly readLimitMs?: number
  /** Refuse to load a transcript of more bytes, whatever the store says of it (SESSION_TOO_LARGE). Default: no limit. */
  readonly maxBytes?: number
  /** Parts of a transcript at which it is compacted in the background; 0: never. Default 64. */
  readonly compactAt?: number
  /** The SDK's function of this name. Default: taken from the SDK, where the program has it. */
  readonly foldSessionSummary?: FoldSummary
}

/** A store that the caller has opened, and that is closed with the session store. */
export interface GivenObjectStore {
  readonly objectStore: ObjectStore
}

/** What the reference adapter takes, and the options of every session store. */
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
 * @throws STORE_URL_INVALID, PLACEHOLDER_OPEN, REGISTRY_INVALID; UNSAFE_KEY for a `projectKey` that cannot be one
 */
export function createSessionStore(
  target: string | GivenObjectStore,
  options: SessionStoreOptions = {},
): MirrorSessionStore {
  const logger = loggerOf(options.logger)
  const observe = observerOf(options)
  const open =
    typeof target === 'string'
      ? openerOf(target, options, logger, observe)
      : async () => withRetries(target.objectStore, openingOf(options, logger, observe)).store
  return new MirrorSessionStore(contextOf(options, {logger, observe, open}))
}

/** The Agent SDK's `SessionStore` on S3; takes the place of the reference adapter and reads what that one wrote. */
export class S3SessionStore extends MirrorSessionStore {
  /** @throws STORE_URL_INVALID for a bucket or prefix that cannot be one, PLACEHOLDER_OPEN, REGISTRY_INVALID, UNSAFE_KEY */
  constructor(options: S3SessionStoreOptions) {
    const {bucket, prefix = '', client} = options
    const logger = loggerOf(options.logger)
    const observe = observerOf(options)
    const open = openerOf(`s3://${bucket}/${prefix}`, options, logger, observe, client && settingsOf(client))
    super(contextOf(options, {logger, observe, open}))
  }
}

function observerOf({onEvent, metrics}: SessionStoreOptions): Observer {
  const measured = metrics && observeMetrics(metrics, {Machine: hostname()})
  return combineObservers([publishEvent, onEvent, measured])
}

interface Opening {
  readonly logger: Logger
  readonly observe: Observer
  readonly open: () => Promise<ObjectStore>
}

function contextOf(options: SessionStoreOptions, {logger, observe, open}: Opening): SessionStoreContext {
  const {foldSessionSummary, projectKey = 'given'} = options
  checkKey({projectKey, sessionId: 'any'})
  const keeper = options.lease ? new LeaseKeeper(options.registry ?? 'store', options, logger) : undefined
  return {
    open: keeper ? async () => new StoreWithLeases(await open(), keeper) : open,
    clock: systemClock,
    background: backgroundClock,
    random: systemRandom,
    logger,
    machine: hostname(),
    projectKey,
    ...(keeper && {acquire: async (store, sessionId) => keeper.acquire(store, sessionId)}),
    foldSummary: async () => foldSessionSummary ?? foldOfSdk(),
    observe,
    maxPendingBytes: options.maxPendingBytes ?? 64 * MIB,
    readLimitMs: options.readLimitMs ?? 20_000,
    maxBytes: options.maxBytes,
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
