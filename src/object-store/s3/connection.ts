import type * as S3 from '@aws-sdk/client-s3'
import {RepriseError} from '../../base/errors.js'
import {storeError} from '../errors.js'
import type {PutMode} from '../object-store.js'
import {makeAgents, type Agents} from './agents.js'
import {checkHost, mayTurnVirtual, parseEndpoint, startsWithPath} from './endpoint.js'
import {addMiddleware, answerDate} from './middleware.js'
import type {S3StoreOptions} from './options.js'
import {readFailure} from './failure.js'
import {toStoreError} from './s3-error.js'

export type Sdk = typeof S3

/** What a call is about: for its errors, and for aborting it. */
export interface Call {
  readonly operation: string
  readonly key?: string
  readonly mode?: PutMode
  readonly signal?: AbortSignal | undefined
}

export type Send<T> = (client: S3.S3Client, options: {abortSignal?: AbortSignal}) => Promise<T>

/** Stands in for the console: a library writes nothing to its user's terminal. */
const SILENT = {trace() {}, debug() {}, info() {}, warn() {}, error() {}}

/** The SDK client of one bucket, built for the addressing that its endpoint takes; every failure leaves as ours. */
export class S3Connection {
  readonly sdk: Sdk
  readonly url: string
  /** Undefined: Amazon's own. */
  readonly endpoint: URL | undefined
  readonly region: string
  readonly #options: S3StoreOptions
  readonly #agents: Agents
  readonly #makeClient: (pathStyle: boolean) => S3.S3Client
  #client: S3.S3Client
  #mayTurnVirtual: boolean

  private constructor(
    sdk: Sdk,
    url: string,
    options: S3StoreOptions,
    agents: Agents,
    makeClient: (pathStyle: boolean) => S3.S3Client,
    endpoint: URL | undefined,
    region: string,
  ) {
    this.sdk = sdk
    this.url = url
    this.endpoint = endpoint
    this.region = region
    this.#options = options
    this.#agents = agents
    this.#makeClient = makeClient
    const addressing = options.addressing ?? 'auto'
    this.#client = makeClient(startsWithPath(addressing, endpoint))
    this.#mayTurnVirtual = mayTurnVirtual(addressing, endpoint)
  }

  /** @throws ENDPOINT_REFUSED, REGION_MISSING (usage) */
  static async open(options: S3StoreOptions, url: string): Promise<S3Connection> {
    const {insecure = false} = options
    const given = options.endpoint === undefined ? undefined : parseEndpoint(options.endpoint, insecure)
    // Not before it is needed: loading the SDK costs more than the rest of a start.
    const sdk = await import('@aws-sdk/client-s3')
    const agents = makeAgents({
      maxSockets: options.concurrency ?? 64,
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      ...(options.proxyEnv === undefined ? {} : {proxyEnv: options.proxyEnv}),
    })
    const configure = (more: S3.S3ClientConfig) => {
      const client = new sdk.S3Client({...clientConfig(options, agents), ...more})
      addMiddleware(client.middlewareStack, (protocol, host) => checkHost(protocol, host, insecure))
      return client
    }
    const probe = configure(given === undefined ? {} : {endpoint: given.href})
    const endpoint = given ?? (await configuredEndpoint(probe, insecure))
    const region = await resolveRegion(probe, endpoint, options)
    const makeClient = (forcePathStyle: boolean) =>
      configure({
        region,
        forcePathStyle,
        // Only AWS has sessions for directory buckets.
        ...(endpoint === undefined ? {} : {endpoint: endpoint.href, disableS3ExpressSessionAuth: true}),
      })
    return new S3Connection(sdk, url, options, agents, makeClient, endpoint, region)
  }

  /** Goes with every request. */
  get target(): {readonly Bucket: string; readonly ExpectedBucketOwner?: string} {
    const {bucket, expectedBucketOwner} = this.#options
    return {Bucket: bucket, ...(expectedBucketOwner === undefined ? {} : {ExpectedBucketOwner: expectedBucketOwner})}
  }

  /** Sends one request. Rejects with the signal's reason when it aborts, with a store error when the request fails. */
  async call<T>(call: Call, send: Send<T>): Promise<T> {
    const {signal} = call
    signal?.throwIfAborted()
    const client = this.#client
    try {
      return await send(client, signal === undefined ? {} : {abortSignal: signal})
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (await this.#turnedVirtual(error, client, call)) return this.call(call, send)
      throw this.toStoreError(error, call)
    }
  }

  /** For a library that sends by itself: a client that hands each of its commands to `send`. */
  clientSending(send: (command: unknown) => Promise<S3.ServiceOutputTypes>): S3.S3Client {
    return Object.create(this.#client, {send: {value: send}}) as S3.S3Client
  }

  toStoreError(error: unknown, call: Call): unknown {
    return toStoreError(error, {...call, store: this.url, bucket: this.#options.bucket})
  }

  /**
   * The store's clock at an answer. There is nothing to put in its place: leases compare these dates.
   *
   * @throws UNSUPPORTED when the answer bears no date
   */
  dateOf(output: S3.PutObjectCommandOutput | {readonly $metadata: object}): number {
    const date = answerDate(output)
    if (date !== undefined) return date
    throw storeError('UNSUPPORTED', `The server of ${this.url} answers without a Date header, which leases rely on.`)
  }

  close(): void {
    this.#agents.destroy()
  }

  /** Whether the endpoint wants the bucket in the host name, and gets it there from now on. */
  async #turnedVirtual(error: unknown, failed: S3.S3Client, call: Call): Promise<boolean> {
    if (!this.#mayTurnVirtual) return this.#client !== failed && demandsVirtual(error)
    if (!demandsVirtual(error) && !(await this.#headWasRefusedForIt(error, failed, call))) return false
    this.#mayTurnVirtual = false
    this.#client = this.#makeClient(false)
    return true
  }

  /** The answer to a HEAD has no body that would say why. */
  async #headWasRefusedForIt(error: unknown, client: S3.S3Client, {operation}: Call): Promise<boolean> {
    if (operation !== 'HeadObject' || readFailure(error).status !== 403) return false
    return client.send(new this.sdk.ListObjectsV2Command({...this.target, MaxKeys: 1})).then(
      () => false,
      (reason: unknown) => demandsVirtual(reason),
    )
  }
}

function clientConfig(options: S3StoreOptions, agents: Agents): S3.S3ClientConfig {
  const {region, profile, credentials, attempts = 3, idleTimeoutMs = 60_000} = options
  return {
    ...(region === undefined ? {} : {region}),
    ...(profile === undefined ? {} : {profile}),
    ...(credentials === undefined ? {} : {credentials}),
    maxAttempts: attempts,
    retryMode: 'adaptive',
    // Trailers and validated ranges are what compatible servers get wrong; puts and whole gets ask for theirs themselves.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    logger: SILENT,
    requestHandler: {
      httpAgent: agents.httpAgent,
      httpsAgent: agents.httpsAgent,
      socketTimeout: idleTimeoutMs,
      logger: SILENT,
    },
  }
}

async function configuredEndpoint(client: S3.S3Client, insecure: boolean): Promise<URL | undefined> {
  const {serviceConfiguredEndpoint} = client.config as {serviceConfiguredEndpoint?: () => Promise<string | undefined>}
  const endpoint = await serviceConfiguredEndpoint?.()
  return endpoint === undefined ? undefined : parseEndpoint(endpoint, insecure)
}

/** Servers of one's own rarely have regions, and take the oldest name for one. */
async function resolveRegion(client: S3.S3Client, endpoint: URL | undefined, options: S3StoreOptions): Promise<string> {
  if (options.region !== undefined) return options.region
  try {
    return await client.config.region()
  } catch (error) {
    if (endpoint !== undefined) return 'us-east-1'
    throw new RepriseError({
      kind: 'usage',
      code: 'REGION_MISSING',
      message: `No AWS region is configured for s3://${options.bucket}.`,
      suggestions: ['Give --region, or set AWS_REGION or the region of the profile.'],
      cause: error,
    })
  }
}

function demandsVirtual(error: unknown): boolean {
  return ['SecondLevelDomainForbidden', 'PathStyleDomainForbidden'].includes(readFailure(error).name)
}
