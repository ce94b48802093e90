import type {RetryPolicy} from '../retry-policy.js'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  /** A function that gave these is asked again five minutes before, and when the store says that they have expired. */
  readonly expiration?: Date
}

/**
 * How a bucket is named in requests: in the path, or in front of the host. `auto`: the path on loopback and IP endpoints;
 * on other custom endpoints the path too, until the endpoint demands the host; on AWS the host.
 */
export type S3Addressing = 'auto' | 'path' | 'virtual'

/** What every write, copy and multipart upload carries. */
export interface S3WriteSettings {
  /** `AES256`, `aws:kms` or `aws:kms:dsse`; the bucket's default otherwise. */
  readonly sse?: string
  readonly sseKmsKeyId?: string
  /** e.g. `STANDARD_IA`, `GLACIER_IR`. */
  readonly storageClass?: string
  /** Twelve digits: requests to a bucket of another account are refused by the store. Goes with reads too. */
  readonly expectedBucketOwner?: string
}

/** Sizes in bytes. Changed by tests, which would move gigabytes otherwise. */
export interface S3Limits {
  /** Bodies above it go up in parts. Default 16 MiB. */
  readonly singlePut: number
  /**
   * At least 5 MiB, by AWS and by the library; grows with the object, as an upload has at most 10,000 parts. Default 5 MiB:
   * larger ones were no faster and took 30 MB more.
   */
  readonly part: number
  /** Least bytes of every part but the last, by S3. Default 5 MiB. */
  readonly minPart: number
  /** Joins up to it are streamed: not worth the requests of an upload in parts. Default 16 MiB. */
  readonly singleJoin: number
  /** Objects above it are copied in parts. Default 5 GB, which is S3's limit. */
  readonly singleCopy: number
  /** Of one part of a copy or join that the store makes by itself; at most 5 GB. Default 512 MiB. */
  readonly copyPart: number
  /** What all puts and joins of this store may hold in memory of bodies that come as streams. Default 32 MiB. */
  readonly buffered: number
}

export interface S3StoreOptions extends S3WriteSettings {
  readonly bucket: string
  /** Printed in {@link ObjectStore.url} alone: keys are whole keys. */
  readonly prefix?: string
  /** `http(s)://host[:port][/path]`; default what the SDK is configured with, else AWS. */
  readonly endpoint?: string
  readonly region?: string
  readonly profile?: string
  /** Default: the SDK's own chain (environment, profile, SSO, web identity, container and instance roles). */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>)
  readonly addressing?: S3Addressing
  /** Allows plain http beyond the loopback: keys, transcripts and signatures can then be read on the way. */
  readonly insecure?: boolean
  /** Sockets, and so requests in flight. Default 64. */
  readonly concurrency?: number
  /**
   * Repeats by themselves the requests of a call that would cost more as a whole: the parts of an upload, the later pages of a
   * listing. Whoever repeats whole calls must be given the same policy (`RetryingObjectStore`), so that no request is repeated by
   * both. Default: every request is sent once.
   */
  readonly retries?: RetryPolicy
  /** Milliseconds until a connection stands. Default 5,000. */
  readonly connectTimeoutMs?: number
  /** Milliseconds in which nothing moves on a connection; also ends bodies that nobody reads. Default 60,000. */
  readonly idleTimeoutMs?: number
  /** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` by name, for Node versions whose agents take them (22.21, 24.5 and later). */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>>
  readonly limits?: Partial<S3Limits>
}

const MIB = 1024 * 1024

export const DEFAULT_LIMITS: S3Limits = {
  singlePut: 16 * MIB,
  part: 5 * MIB,
  minPart: 5 * MIB,
  singleJoin: 16 * MIB,
  singleCopy: 5 * 1024 * MIB,
  copyPart: 512 * MIB,
  buffered: 32 * MIB,
}
