import type * as S3 from '@aws-sdk/client-s3'
import {hasCode} from '../../base/errors.js'
import {answerDate} from '../answer-date.js'
import {configuredEndpoint, resolveRegion, withoutVersionWarning} from '../aws-client.js'
import {storeError} from '../errors.js'
import type {PutMode} from '../object-store.js'
import {makeAgents, type Agents} from './agents.js'
import {clientConfig} from './client-config.js'
import {checkHost, hasSessions, mayTurnVirtual, parseEndpoint, startsWithPath} from './endpoint.js'
import {CredentialRenewal, hasExpired, wasSentAtWrongTime} from './mend.js'
import {addMiddleware} from './middleware.js'
import {LeanGets} from './lean-get.js'
import type {S3StoreOptions} from './options.js'
import {readFailure} from './failure.js'
import {toStoreError} from './s3-error.js'

export type Sdk = typeof S3

/** What a call is about: for its errors, and for aborting it. */
export interface Call {
  readonly operation: string
  readonly key?: string
  readonly mode?: PutMode
  /** Of a listing, for notices of retries. */
  readonly prefix?: string
  readonly signal?: AbortSignal | undefined
  /** Sent again by itself when it fails (`S3StoreOptions.retries`), since the call that it is a part of would cost more. */
  readonly repeats?: boolean
}

export type Send<T> = (client: S3.S3Client, options: {abortSignal?: AbortSignal}) => Promise<T>

/** The SDK client of one bucket, built for the addressing that its endpoint takes; every failure leaves as ours. */
export class S3Connection {
  readonly sdk: Sdk
  readonly url: string
  /** Undefined: Amazon's own. */
  readonly endpoint: URL | undefined
  readonly region: string
  readonly gets: LeanGets
  readonly #options: S3StoreOptions
  readonly #agents: Agents
  readonly #makeClient: (pathStyle: boolean) => S3.S3Client
  readonly #renewal = new CredentialRenewal()
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
    gets: LeanGets,
  ) {
    this.gets = gets
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
    const gets = new LeanGets()
    const configure = (more: S3.S3ClientConfig) => {
      const client = withoutVersionWarning(() => new sdk.S3Client({...clientConfig(options, agents), ...more}))
      gets.watch(client)
      addMiddleware(client.middlewareStack, options.bucket, (protocol, host) => checkHost(protocol, host, insecure))
      return client
    }
    const probe = configure(given === undefined ? {} : {endpoint: given.href})
    const endpoint = given ?? (await configuredEndpoint(probe, insecure))
    const region = await resolveRegion(probe, endpoint, options, `s3://${options.bucket}`)
    const makeClient = (forcePathStyle: boolean) =>
      configure({
        region,
        forcePathStyle,
        ...(endpoint === undefined
          ? {}
          : {endpoint: endpoint.href, disableS3ExpressSessionAuth: !hasSessions(endpoint)}),
      })
    return new S3Connection(sdk, url, options, agents, makeClient, endpoint, region, gets)
  }

  /** Goes with every request. */
  get target(): {readonly Bucket: string; readonly ExpectedBucketOwner?: string} {
    const {bucket, expectedBucketOwner} = this.#options
    return {Bucket: bucket, ...(expectedBucketOwner === undefined ? {} : {ExpectedBucketOwner: expectedBucketOwner})}
  }

  /** Sends one request. Rejects with the signal's reason when it aborts, with a store error when the request fails. */
  async call<T>(call: Call, send: Send<T>): Promise<T> {
    const {retries} = this.#options
    if (call.repeats !== true || retries === undefined) return this.#send(call, send)
    const {operation, key, prefix = '', signal} = call
    const settled = await retries.repeat({operation, key: key ?? prefix, signal}, async () => {
      try {
        const output = await this.#send(call, send)
        return () => output
      } catch (error) {
        // An upload that is gone does not come back; who repeats the whole begins another.
        if (!hasCode(error, 'STORE_UNREACHABLE') || error.details['s3Code'] !== 'NoSuchUpload') throw error
        return () => {
          throw error
        }
      }
    })
    return settled()
  }

  /** Once; and once more for each thing that the answer let us put right. */
  async #send<T>(call: Call, send: Send<T>): Promise<T> {
    const {signal} = call
    const mended = new Set<string>()
    for (;;) {
      signal?.throwIfAborted()
      const client = this.#client
      const renewals = this.#renewal.count
      try {
        return await send(client, signal === undefined ? {} : {abortSignal: signal})
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason
        const mend = await this.#mend(error, call, client, renewals)
        if (mend === undefined || mended.has(mend)) throw this.toStoreError(error, call)
        mended.add(mend)
      }
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

  /** @returns what was put right, so that the request is worth another try */
  async #mend(
    error: unknown,
    call: Call,
    client: S3.S3Client,
    renewals: number,
  ): Promise<'addressing' | 'clock' | 'credentials' | undefined> {
    const failure = readFailure(error)
    if (wasSentAtWrongTime(failure, call.operation)) return 'clock'
    if (hasExpired(failure, call.operation) && (await this.#renewal.renewed(client, renewals))) return 'credentials'
    return (await this.#turnedVirtual(error, client, call)) ? 'addressing' : undefined
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

function demandsVirtual(error: unknown): boolean {
  return ['SecondLevelDomainForbidden', 'PathStyleDomainForbidden'].includes(readFailure(error).name)
}
