import type {FaultPlan} from './faults.js'
import type {RequestLog} from './request-log.js'
import type {ServerClock, Store} from './store.js'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** When given, requests must carry it as `x-amz-security-token`. */
  readonly sessionToken?: string
  /** Milliseconds since the epoch, by the server's clock: refused with ExpiredToken from then on. */
  readonly expires?: number
}

/**
 * `path` takes every host for the service itself, `virtual` refuses path-style requests as Aliyun OSS does, `both` decides by the
 * Host header: `bucket.localhost` is virtual, an IP address or `localhost` is path-style.
 */
export type Addressing = 'path' | 'virtual' | 'both'

/**
 * `enforced`: the check and the write are one instant. `ignored`: as rclone and Garage. `racy`: checked when the request arrives
 * and written later, so that several racing writers win, as with S3Mock.
 */
export type ConditionMode = 'enforced' | 'ignored' | 'racy'

/**
 * UploadPartCopy: `ranges` as S3; `whole` ignores the range; `none` takes it for an UploadPart without a body and answers with
 * nothing, as rclone; `unconditional` ignores conditions on the source and cuts a range at its end, as moto.
 */
export type PartCopies = 'ranges' | 'whole' | 'none' | 'unconditional'

/** What may be changed while the server runs. */
export interface Settings {
  /** Added to every request before it is handled. */
  latencyMs: number
  conditions: ConditionMode
  addressing: Addressing
  /** Answer 411 to every body without a Content-Length, also to the trailer uploads that S3 takes. */
  requireContentLength: boolean
  /**
   * As S3 Express One Zone: LIST is not sorted, its prefixes end in `/`, the only delimiter, there is no StartAfter, folders of
   * uploads under way are listed, an ETag is no MD5, the class is EXPRESS_ONEZONE, parts are numbered without gaps.
   */
  directoryBucket: boolean
  /** Least bytes of every part but the last, and what a source must exceed for a range of it to be copied. S3: 5 MiB. */
  minPart: number
  partCopies: PartCopies
  /** Send the whole object's checksum with a 206 too, as some servers do. */
  checksumOnRanges: boolean
  /** Object Lock's default retention: what is written from now on is kept so long, and says so. 0: none. */
  retentionMs: number
}

export interface StrictS3Options extends Partial<Settings> {
  /** 0 or absent: a free port. */
  readonly port?: number
  /** Created at start; default one: `test-bucket`, in a server of directory buckets `test-bucket--use1-az4--x-s3`. */
  readonly buckets?: readonly string[]
  readonly region?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  /** Who may come in besides the first. */
  readonly moreCredentials?: readonly Credentials[]
  /** The account that `x-amz-expected-bucket-owner` is compared with. */
  readonly owner?: string
  /** Seeds the draws of faults that have a probability. */
  readonly seed?: number
  /** Milliseconds since the epoch; default the machine's clock. `clock.offsetMs` is added to it. */
  readonly now?: () => number
  /** Keep request headers in the log (never Authorization). Costs memory in long runs; default true. */
  readonly logHeaders?: boolean
}

export interface StrictS3 {
  /** `http://127.0.0.1:port`, for path-style clients. */
  readonly endpoint: string
  /** `http://localhost:port`; clients put the bucket in front. Where `*.localhost` does not resolve, use {@link loopbackLookup}. */
  readonly virtualEndpoint: string
  readonly port: number
  readonly bucket: string
  readonly buckets: readonly string[]
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly settings: Settings
  readonly requests: RequestLog
  readonly faults: FaultPlan
  readonly clock: ServerClock
  /** What is stored, for tests that look at it or plant in it without a request. */
  readonly store: Store
  /** Ends open connections, also those that hang. Idempotent. */
  close(): Promise<void>
}
