import type * as DynamoDB from '@aws-sdk/client-dynamodb'
import {RepriseError, toRepriseError} from '../../base/errors.js'
import {answerDate, keepAnswerDates} from '../../object-store/answer-date.js'
import {storeError} from '../../object-store/errors.js'
import {RetryPolicy} from '../../object-store/retry-policy.js'
import {type Agents, makeAgents} from '../../object-store/s3/agents.js'
import {checkHost, parseEndpoint, type Service} from '../../object-store/s3/endpoint.js'
import {toRegistryError} from './dynamo-error.js'
import {DEFAULT_INDEX, type DynamoRegistryOptions} from './options.js'

export type Sdk = typeof DynamoDB

const SERVICE: Service = {name: 'DynamoDB', settings: 'AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL'}

/** Stands in for the console: a library writes nothing to its user's terminal. */
const SILENT = {trace() {}, debug() {}, info() {}, warn() {}, error() {}}

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
      const client = new sdk.DynamoDBClient({...clientConfig(options, agents), ...more})
      watchStack(client.middlewareStack, insecure)
      return client
    }
    const probe = configure({})
    const named = options.endpoint ?? (await configuredEndpoint(probe))
    const endpoint = named === undefined ? undefined : parseEndpoint(named, insecure, SERVICE)
    const region = await regionOf(probe, endpoint, options)
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
        const output = await send(this.#client)
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

function clientConfig(options: DynamoRegistryOptions, agents: Agents): DynamoDB.DynamoDBClientConfig {
  const {region, profile, credentials, idleTimeoutMs = 60_000} = options
  return {
    ...(region === undefined ? {} : {region}),
    ...(profile === undefined ? {} : {profile}),
    ...(credentials === undefined ? {} : {credentials}),
    // Retries and their pace are the policy's; the SDK's would multiply them.
    maxAttempts: 1,
    retryMode: 'standard',
    logger: SILENT,
    requestHandler: {
      httpAgent: agents.httpAgent,
      httpsAgent: agents.httpsAgent,
      socketTimeout: idleTimeoutMs,
      logger: SILENT,
    },
  }
}

/** What the SDK's own environment and files name. */
async function configuredEndpoint(client: DynamoDB.DynamoDBClient): Promise<string | undefined> {
  const {serviceConfiguredEndpoint} = client.config as {serviceConfiguredEndpoint?: () => Promise<string | undefined>}
  return serviceConfiguredEndpoint?.()
}

/** Servers of one's own rarely have regions, and take the oldest name for one. */
async function regionOf(
  client: DynamoDB.DynamoDBClient,
  endpoint: URL | undefined,
  {region, table}: DynamoRegistryOptions,
): Promise<string> {
  if (region !== undefined) return region
  try {
    return await client.config.region()
  } catch (cause) {
    if (endpoint !== undefined) return 'us-east-1'
    throw new RepriseError({
      kind: 'usage',
      code: 'REGION_MISSING',
      message: `No AWS region is configured for dynamodb://${table}.`,
      suggestions: [
        `Name it: --registry "dynamodb://${table}?region=eu-central-1"`,
        'Or give --region, or set AWS_REGION.',
      ],
      cause,
    })
  }
}
