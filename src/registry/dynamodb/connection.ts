import type * as DynamoDB from '@aws-sdk/client-dynamodb'
import {toRepriseError} from '../../base/errors.js'
import {answerDate, keepAnswerDates} from '../../object-store/answer-date.js'
import {
  awsClientConfig,
  configuredEndpoint,
  resolveRegion,
  withoutVersionWarning,
} from '../../object-store/aws-client.js'
import {storeError} from '../../object-store/errors.js'
import {RetryPolicy} from '../../object-store/retry-policy.js'
import {type Agents, makeAgents} from '../../object-store/s3/agents.js'
import {checkHost, parseEndpoint, type Service} from '../../object-store/s3/endpoint.js'
import {readFailure, type S3Failure} from '../../object-store/s3/failure.js'
import {CredentialRenewal, hasExpired, wasSentAtWrongTime} from '../../object-store/s3/mend.js'
import {toRegistryError} from './dynamo-error.js'
import {DEFAULT_INDEX, type DynamoRegistryOptions} from './options.js'

export type Sdk = typeof DynamoDB

const SERVICE: Service = {name: 'DynamoDB', settings: 'AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL'}

/** The SDK's client of one table: retries, the debug log and the service's clock; every failure leaves as ours. */
export class DynamoConnection {
  readonly sdk: Sdk
  readonly table: string
  readonly index: string
  /** The registry as every worker must name it, whatever else a worker's setting says. */
  readonly place: string
  readonly #client: DynamoDB.DynamoDBClient
  readonly #agents: Agents
  readonly #options: DynamoRegistryOptions
  readonly #retries: RetryPolicy
  readonly #renewal = new CredentialRenewal()

  private constructor(
    sdk: Sdk,
    client: DynamoDB.DynamoDBClient,
    agents: Agents,
    region: string,
    options: DynamoRegistryOptions,
  ) {
    const {clock, random, logger, attempts = 5} = options
    this.sdk = sdk
    this.table = options.table
    this.index = options.index ?? DEFAULT_INDEX
    this.place = `dynamodb://${options.table}?region=${region}`
    this.#client = client
    this.#agents = agents
    this.#options = options
    this.#retries = new RetryPolicy({
      clock,
      random,
      attempts,
      onRetry: ({operation, key, attempt, waitedMs, error}) =>
        logger.warn(`registry ${operation} is tried again`, {key, attempt, waitedMs, code: error.code}),
    })
  }

  /**
   * Sends nothing yet: a missing table or wrong credentials show at the first call. Loads the AWS SDK.
   *
   * @throws ENDPOINT_REFUSED, REGION_MISSING (usage)
   */
  static async open(options: DynamoRegistryOptions): Promise<DynamoConnection> {
    const {insecure = false, concurrency = 16, proxyEnv} = options
    // Not before it is needed: loading the SDK costs more than the rest of a start.
    const sdk = await import('@aws-sdk/client-dynamodb')
    const agents = makeAgents({
      maxSockets: concurrency,
      connectTimeoutMs: 5_000,
      ...(proxyEnv === undefined ? {} : {proxyEnv}),
    })
    const configure = (more: DynamoDB.DynamoDBClientConfig): DynamoDB.DynamoDBClient => {
      const client = withoutVersionWarning(() => new sdk.DynamoDBClient({...awsClientConfig(options, agents), ...more}))
      watchStack(client.middlewareStack, insecure)
      return client
    }
    const probe = configure({})
    const given = options.endpoint === undefined ? undefined : parseEndpoint(options.endpoint, insecure, SERVICE)
    const endpoint = given ?? (await configuredEndpoint(probe, insecure, SERVICE))
    const region = await resolveRegion(probe, endpoint, options, `dynamodb://${options.table}`)
    const client = configure({region, ...(endpoint === undefined ? {} : {endpoint: endpoint.href})})
    return new DynamoConnection(sdk, client, agents, region, options)
  }

  /**
   * Sends one request, again where that may help. It must be safe to repeat.
   *
   * @param key of the item, for the log; never a value.
   * @throws TABLE_NOT_FOUND, TABLE_UNSUITABLE, INDEX_MISSING, and what a store rejects with
   */
  async call<T>(operation: string, key: string, send: (client: DynamoDB.DynamoDBClient) => Promise<T>): Promise<T> {
    const {clock, logger} = this.#options
    return this.#retries.repeat({operation, key}, async ({attempt}) => {
      const started = clock.now()
      const log = (outcome: string) =>
        logger.debug(`registry ${operation}`, {key, ms: clock.now() - started, attempt, outcome})
      try {
        const output = await this.#send(operation, send)
        log('ok')
        return output
      } catch (error) {
        if (error instanceof this.sdk.ConditionalCheckFailedException) {
          log('condition')
          throw error
        }
        const {place, table, index} = this
        const known = toRegistryError(error, {operation, place, table, index})
        log(toRepriseError(known).code)
        throw known
      }
    })
  }

  /**
   * The service's clock at an answer, which leases compare.
   *
   * @throws UNSUPPORTED when the answer bears no date
   */
  dateOf(output: {readonly $metadata: object}): number {
    const date = answerDate(output)
    if (date !== undefined) return date
    throw storeError('UNSUPPORTED', `The server of ${this.place} answers without a Date header, which leases rely on.`)
  }

  close(): void {
    this.#client.destroy()
    this.#agents.destroy()
  }

  /** Once; and once more for each thing that the answer let us put right: this machine's clock, expired credentials. */
  async #send<T>(operation: string, send: (client: DynamoDB.DynamoDBClient) => Promise<T>): Promise<T> {
    const mended = new Set<string>()
    for (;;) {
      const renewals = this.#renewal.count
      try {
        return await send(this.#client)
      } catch (error) {
        const mend = await this.#mend(readFailure(error), operation, renewals)
        if (mend === undefined || mended.has(mend)) throw error
        mended.add(mend)
      }
    }
  }

  async #mend(failure: S3Failure, operation: string, renewals: number): Promise<string | undefined> {
    if (wasSentAtWrongTime(failure, operation)) return 'clock'
    const renewed = hasExpired(failure, operation) && (await this.#renewal.renewed(this.#client, renewals))
    return renewed ? 'credentials' : undefined
  }
}

/** A last look at where a request goes, however the SDK came upon it; and the dates of answers. */
function watchStack(stack: DynamoDB.DynamoDBClient['middlewareStack'], insecure: boolean): void {
  stack.add(
    (next) => async (args) => {
      const {protocol, hostname} = args.request as {readonly protocol: string; readonly hostname: string}
      checkHost(protocol, hostname, insecure, SERVICE)
      return next(args)
    },
    {step: 'build', name: 'repriseRequest', override: true},
  )
  keepAnswerDates(stack)
}
