import type * as S3 from '@aws-sdk/client-s3'
import {RepriseError} from '../../base/errors.js'
import type {Agents} from './agents.js'
import {parseEndpoint} from './endpoint.js'
import type {S3StoreOptions} from './options.js'

/** Stands in for the console: a library writes nothing to its user's terminal. */
const SILENT = {trace() {}, debug() {}, info() {}, warn() {}, error() {}}

export function clientConfig(options: S3StoreOptions, agents: Agents): S3.S3ClientConfig {
  const {region, profile, credentials, idleTimeoutMs = 60_000} = options
  return {
    ...(region === undefined ? {} : {region}),
    ...(profile === undefined ? {} : {profile}),
    ...(credentials === undefined ? {} : {credentials}),
    // Retries and their pace are the policy's; the SDK's would multiply them.
    maxAttempts: 1,
    retryMode: 'standard',
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

/** What the SDK's own environment and files name. */
export async function configuredEndpoint(client: S3.S3Client, insecure: boolean): Promise<URL | undefined> {
  const {serviceConfiguredEndpoint} = client.config as {serviceConfiguredEndpoint?: () => Promise<string | undefined>}
  const endpoint = await serviceConfiguredEndpoint?.()
  return endpoint === undefined ? undefined : parseEndpoint(endpoint, insecure)
}

/**
 * Servers of one's own rarely have regions, and take the oldest name for one.
 *
 * @throws REGION_MISSING (usage)
 */
export async function resolveRegion(
  client: S3.S3Client,
  endpoint: URL | undefined,
  options: S3StoreOptions,
): Promise<string> {
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
