import type {Clock, Random} from '../../base/clock.js'
import type {Logger} from '../../base/logger.js'
import type {S3Credentials} from '../../object-store/s3/options.js'

export interface DynamoRegistryOptions {
  readonly table: string
  /** The index by `claude_session_id`. Default `claude_session_id-index`. */
  readonly index?: string
  /** Sets the attribute `ttl` of tasks and names so many days ahead at each change. Default: it is left alone. */
  readonly ttlDays?: number
  /** Writes are answered as if done. */
  readonly dryRun?: boolean
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly region?: string
  readonly profile?: string
  /** Default: the SDK's own chain (environment, profile, SSO, web identity, container and instance roles). */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>)
  /** Default what the SDK is configured with (`AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL`), else AWS. */
  readonly endpoint?: string
  /** Allows plain http beyond the loopback. */
  readonly insecure?: boolean
  /** Sockets, and so requests in flight. Default 16. */
  readonly concurrency?: number
  /** Tries of one request, the first included. Default 5. */
  readonly attempts?: number
  /** Milliseconds in which nothing moves on a connection. Default 60,000. */
  readonly idleTimeoutMs?: number
  /** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` by name, for Node versions whose agents take them. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>
}

export const DEFAULT_INDEX = 'claude_session_id-index'
