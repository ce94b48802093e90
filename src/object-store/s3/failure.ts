import {inspect} from 'node:util'
import type {PutMode} from '../object-store.js'

/** What was asked, as far as it decides what a refusal means. */
export interface FailedRequest {
  /** The SDK's name of the operation, e.g. `PutObject`. */
  readonly operation: string
  readonly store: string
  readonly bucket: string
  readonly key?: string
  readonly mode?: PutMode
  readonly ifMatch?: boolean
}

/** What an SDK error says, read without trusting its shape. */
export interface S3Failure {
  /** S3's code or the error's name; may be empty. */
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** Of the bucket, when the answer says so. */
  readonly region: string | undefined
  /** Node's, e.g. `ECONNREFUSED`. */
  readonly code: string | undefined
  /** How long the store wants to be left alone. */
  readonly retryAfterMs: number | undefined
  /** The answer's date was far from this machine's; the SDK signs by the answer's from now on. */
  readonly clockCorrected: boolean
}

/** What the SDK calls an answer without a code, such as that to a HEAD. */
const UNNAMED = ['Unknown', 'UnknownError', 'Error']

export function readFailure(error: unknown): S3Failure {
  const source = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown
    message?: unknown
    code?: unknown
    Code?: unknown
    Region?: unknown
    BucketRegion?: unknown
    $metadata?: {httpStatusCode?: number; requestId?: string; clockSkewCorrected?: boolean}
    $response?: {statusCode?: number; headers?: Record<string, string>}
  }
  return {
    name: [source.Code, source.name].map(text).find((name) => name !== undefined && !UNNAMED.includes(name)) ?? '',
    message: text(source.message) ?? (error instanceof Error ? '' : inspect(error, {depth: 0})),
    status: source.$metadata?.httpStatusCode ?? source.$response?.statusCode,
    requestId: text(source.$metadata?.requestId),
    region:
      text(source.$response?.headers?.['x-amz-bucket-region']) ?? text(source.Region) ?? text(source.BucketRegion),
    code: text(source.code),
    retryAfterMs: retryAfter(source.$response?.headers ?? {}),
    clockCorrected: source.$metadata?.clockSkewCorrected === true,
  }
}

/** Seconds, or a date, which is held against the answer's own: this machine's clock may be wrong. */
function retryAfter(headers: Readonly<Record<string, string>>): number | undefined {
  const {'retry-after': after = '', 'x-amz-retry-after': ms = '', date = ''} = headers
  if (/^\d+$/.test(ms)) return Number(ms)
  if (/^\d+(\.\d+)?$/.test(after)) return Number(after) * 1000
  const wait = Date.parse(after) - Date.parse(date)
  return Number.isNaN(wait) ? undefined : Math.max(0, wait)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
