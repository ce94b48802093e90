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
  readonly attempts: number
  /** Of the bucket, when the answer says so. */
  readonly region: string | undefined
  /** Node's, e.g. `ECONNREFUSED`. */
  readonly code: string | undefined
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
    $metadata?: {httpStatusCode?: number; requestId?: string; attempts?: number}
    $response?: {statusCode?: number; headers?: Record<string, string>}
  }
  return {
    name: [source.Code, source.name].map(text).find((name) => name !== undefined && !UNNAMED.includes(name)) ?? '',
    message: text(source.message) ?? (error instanceof Error ? '' : inspect(error, {depth: 0})),
    status: source.$metadata?.httpStatusCode ?? source.$response?.statusCode,
    requestId: text(source.$metadata?.requestId),
    attempts: source.$metadata?.attempts ?? 1,
    region:
      text(source.$response?.headers?.['x-amz-bucket-region']) ?? text(source.Region) ?? text(source.BucketRegion),
    code: text(source.code),
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
