import {RepriseError} from '../base/errors.js'
import type {Agents} from './s3/agents.js'
import {parseEndpoint, type Service} from './s3/endpoint.js'
import type {S3Credentials} from './s3/options.js'

/** What every client of AWS is told, whatever its service. */
export interface AwsClientOptions {
  readonly region?: string
  readonly profile?: string
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>)
  /** Milliseconds. Default 60,000. */
  readonly idleTimeoutMs?: number
}

/** Stands in for the console: a library writes nothing to its user's terminal. */
const SILENT = {trace() {}, debug() {}, info() {}, warn() {}, error() {}}

/** The part of a client's configuration that does not depend on the service. */
export function awsClientConfig(options: AwsClientOptions, agents: Agents) {
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

/**
 * Makes a client without the SDK's word on Node versions that it will leave behind: which SDK this package brings is not for its user to
 * change. All other warnings pass, at any time.
 *
 * @param make synchronous: nobody else's warning can come meanwhile.
 */
export function withoutVersionWarning<T>(make: () => T): T {
  const emitWarning = Reflect.get(process, 'emitWarning') as (this: void, ...warning: unknown[]) => void
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).startsWith('NodeVersionSupportWarning')) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    return make()
  } finally {
    process.emitWarning = emitWarning
  }
}

/** What the SDK's own environment and files name. @throws ENDPOINT_REFUSED (usage) */
export async function configuredEndpoint(
  client: {readonly config: object},
  insecure: boolean,
  service?: Service,
): Promise<URL | undefined> {
  const {serviceConfiguredEndpoint} = client.config as {serviceConfiguredEndpoint?: () => Promise<string | undefined>}
  const endpoint = await serviceConfiguredEndpoint?.()
  return endpoint === undefined ? undefined : parseEndpoint(endpoint, insecure, service)
}

/**
 * Servers of one's own rarely have regions, and take the oldest name for one.
 *
 * @param place for whom a region is wanted, as a URL.
 * @throws REGION_MISSING (usage)
 */
export async function resolveRegion(
  client: {readonly config: {region(): Promise<string>}},
  endpoint: URL | undefined,
  {region}: AwsClientOptions,
  place: string,
): Promise<string> {
  if (region !== undefined) return region
  try {
    return await client.config.region()
  } catch (error) {
    if (endpoint !== undefined) return 'us-east-1'
    throw new RepriseError({
      kind: 'usage',
      code: 'REGION_MISSING',
      message: `No AWS region is configured for ${place}.`,
      suggestions: ['Give --region, or set AWS_REGION or the region of the profile.'],
      cause: error,
    })
  }
}
