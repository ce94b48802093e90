import type {IncomingMessage, ServerResponse} from 'node:http'
import {setTimeout as delay} from 'node:timers/promises'
import type {Answer, Call} from './call.js'
import {checkWriteConditions} from './conditions.js'
import {signingService} from './directory-bucket.js'
import {accessDenied, S3Error} from './errors.js'
import {plannedError, type FaultPlan} from './faults.js'
import {HANDLERS} from './handlers.js'
import {operationOf, resolveResource, type Operation, type Resource} from './operations.js'
import type {Credentials, Settings} from './options.js'
import {ClientGone, drain, receiveBody, type ReceivedBody} from './request-body.js'
import type {LoggedRequest, RequestLog} from './request-log.js'
import {errorAnswer, sendAnswer} from './send-answer.js'
import {authenticate, type Identity} from './sigv4.js'
import type {ServerClock, Store} from './store.js'
import {parseTarget, type Target} from './uri.js'

/** The time between check and write while conditions are racy: enough for every racer to have been checked. */
const RACE_WINDOW_MS = 25

export interface Service {
  readonly store: Store
  readonly clock: ServerClock
  readonly settings: Settings
  readonly faults: FaultPlan
  readonly requests: RequestLog
  readonly credentials: readonly Credentials[]
  readonly region: string
  readonly owner: string
  readonly logHeaders: boolean
}

interface Parsed {
  readonly target: Target
  readonly resource: Resource
  readonly operation: Operation
}

/** What becomes known about a request while it is served, for the log. */
interface Visit {
  readonly number: number
  readonly at: number
  readonly started: number
  readonly wire: WireCounter
  /** 0 until an answer went out. */
  status: number
  bytesOut: number
  error?: S3Error
  accessKeyId?: string
  target?: Target
  resource?: Resource
  operation?: Operation
}

/** One request from its first header to the last byte of its answer. */
export async function serve(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const visit: Visit = {
    number: service.requests.begin(),
    at: service.clock.now(),
    started: performance.now(),
    wire: new WireCounter(request),
    status: 0,
    bytesOut: 0,
  }
  try {
    await visitServer(service, visit, request, response)
  } catch (thrown) {
    if (!(thrown instanceof ClientGone)) throw thrown
  } finally {
    service.requests.end(logEntry(visit, request, service.logHeaders))
  }
}

async function visitServer(
  service: Service,
  visit: Visit,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    Object.assign(visit, parse(service, request))
  } catch (thrown) {
    visit.error = asS3Error(thrown)
  }
  const verdict = service.faults.judge({
    method: request.method ?? '',
    operation: visit.operation,
    bucket: visit.resource?.bucket ?? '',
    key: visit.resource?.key ?? '',
  })
  const {fault} = verdict
  const wait = service.settings.latencyMs + verdict.beforeMs
  if (wait > 0) await delay(wait)
  if (fault?.type === 'hang') return
  if (fault?.type === 'reset' && fault.at === 'before') {
    request.socket.destroy()
    return
  }
  const requestId = visit.number.toString(16).toUpperCase().padStart(16, '0')
  let answer: Answer
  try {
    if (visit.error) throw visit.error
    if (fault?.type === 'error') throw plannedError(fault, service.clock.now())
    answer = await handle(service, visit, request)
  } catch (thrown) {
    if (thrown instanceof ClientGone) throw thrown
    visit.error = asS3Error(thrown)
    await drain(request)
    answer = errorAnswer(visit.error, visit.target?.path ?? request.url ?? '', requestId)
  }
  response.setHeader('date', new Date(service.clock.now()).toUTCString())
  response.setHeader('server', 'strict-s3')
  response.setHeader('x-amz-request-id', requestId)
  visit.bytesOut = await sendAnswer(response, answer, verdict)
  if (!(fault?.type === 'reset' && fault.at === 'after')) visit.status = answer.status
}

function logEntry(visit: Visit, request: IncomingMessage, logHeaders: boolean): LoggedRequest {
  const {authorization: _, 'x-amz-security-token': _token, ...headers} = request.headers
  const prefix = visit.target?.query.find(([name]) => name === 'prefix')?.[1]
  return {
    number: visit.number,
    method: request.method ?? '',
    ...(visit.operation ? {operation: visit.operation} : {}),
    bucket: visit.resource?.bucket ?? '',
    key: visit.resource?.key ?? '',
    ...(prefix === undefined ? {} : {prefix}),
    status: visit.status,
    ...(visit.error ? {error: visit.error.code} : {}),
    bytesIn: visit.wire.bytes,
    bytesOut: visit.bytesOut,
    at: visit.at,
    ms: performance.now() - visit.started,
    ...(visit.accessKeyId === undefined ? {} : {accessKeyId: visit.accessKeyId}),
    ...(logHeaders ? {headers} : {}),
  }
}

/** Counts body bytes without making the stream flow before somebody reads it. */
class WireCounter {
  bytes = 0

  constructor(request: IncomingMessage) {
    const push = request.push.bind(request)
    request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      if (chunk) this.bytes += chunk.length
      return push(chunk, encoding)
    }
  }
}

function parse({settings}: Service, request: IncomingMessage): Parsed {
  const target = parseTarget(request.url ?? '/')
  const resource = resolveResource(target, request.headers.host ?? '', settings.addressing)
  return {target, resource, operation: operationOf(request.method ?? '', resource, target, request.headers)}
}

async function handle(service: Service, visit: Visit, request: IncomingMessage): Promise<Answer> {
  const {target, resource, operation} = visit as Visit & Parsed
  const identity = authenticate(
    {method: request.method ?? '', target, headers: request.headers},
    {
      credentials: service.credentials,
      region: service.region,
      service: signingService(resource.bucket),
      now: () => service.clock.now(),
    },
  )
  visit.accessKeyId = identity.accessKeyId
  const {settings, faults} = service
  const query = new Map(target.query)
  const key = resource.key ?? ''
  checkPermission(service, request, operation, key, query, identity)
  const mode = settings.conditions
  if (mode === 'racy' && isConditional(request)) {
    checkWriteConditions(request.headers, key, service.store.bucket(resource.bucket ?? '').get(key))
  }
  const body: ReceivedBody = await receiveBody(request, identity, {
    requireContentLength: settings.requireContentLength,
    checksumIsOfBody: operation !== 'CompleteMultipartUpload',
  })
  if (mode === 'racy' && isConditional(request)) await delay(RACE_WINDOW_MS)
  const call: Call = {
    operation,
    method: request.method ?? '',
    bucketName: resource.bucket ?? '',
    key,
    query,
    headers: request.headers,
    body,
    accessKeyId: identity.accessKeyId,
    store: service.store,
    clock: service.clock,
    settings,
    faults,
    region: service.region,
    checksConditions: mode === 'enforced',
    host: request.headers.host ?? '',
  }
  return HANDLERS[operation](call)
}

/** @throws AccessDenied */
function checkPermission(
  {faults, owner}: Service,
  {headers}: IncomingMessage,
  operation: Operation,
  key: string,
  query: ReadonlyMap<string, string>,
  {accessKeyId}: Identity,
): void {
  const expected = [headers['x-amz-expected-bucket-owner'], headers['x-amz-source-expected-bucket-owner']]
  if (expected.some((account) => account !== undefined && account !== owner)) throw accessDenied()
  const scope = operation === 'ListObjectsV2' || operation === 'ListObjects' ? (query.get('prefix') ?? '') : key
  if (faults.isDenied(operation, scope, accessKeyId)) throw accessDenied()
}

function isConditional({method, headers}: IncomingMessage): boolean {
  return method !== 'GET' && method !== 'HEAD' && (headers['if-match'] ?? headers['if-none-match']) !== undefined
}

function asS3Error(thrown: unknown): S3Error {
  if (thrown instanceof S3Error) return thrown
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return new S3Error(500, 'StrictServerBug', message)
}
