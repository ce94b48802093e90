import type {IncomingHttpHeaders} from 'node:http'
import type {FaultPlan} from './faults.js'
import type {Operation} from './operations.js'
import type {Settings} from './options.js'
import type {ReceivedBody} from './request-body.js'
import type {Bucket, ServerClock, Store} from './store.js'

/** A request that is who it says, is allowed to, and whose body has come in whole. */
export interface Call {
  readonly operation: Operation
  readonly method: string
  readonly bucketName: string
  readonly key: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingHttpHeaders
  readonly body: ReceivedBody
  readonly accessKeyId: string
  readonly store: Store
  readonly clock: ServerClock
  readonly settings: Readonly<Settings>
  readonly faults: FaultPlan
  readonly region: string
  /** False where conditions are ignored, and where they were checked when the request came in. */
  readonly checksConditions: boolean
  readonly host: string
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | readonly Buffer[]
  /** For HEAD: what the body would have been. */
  readonly contentLength?: number
}

/**
 * Handlers are synchronous: what they check and what they change is one instant, and no other request can come between.
 *
 * @throws S3Error
 */
export type Handler = (call: Call) => Answer

export const bucketOf = (call: Call): Bucket => call.store.bucket(call.bucketName)

/** A header's value; repeated headers are joined as HTTP does. */
export function headerOf(call: Pick<Call, 'headers'>, name: string): string | undefined {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

export const xmlAnswer = (body: string, headers: Record<string, string> = {}): Answer => ({
  status: 200,
  headers: {'content-type': 'application/xml', ...headers},
  body,
})

export const quoted = (etag: string): string => `"${etag}"`
