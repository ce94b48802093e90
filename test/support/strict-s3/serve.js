import {setTimeout as delay} from 'node:timers/promises'
import {checkWriteConditions} from './conditions.js'
import {accessDenied, S3Error} from './errors.js'
import {plannedError} from './faults.js'
import {HANDLERS} from './handlers.js'
import {operationOf, resolveResource} from './operations.js'
import {ClientGone, drain, receiveBody} from './request-body.js'
import {errorAnswer, sendAnswer} from './send-answer.js'
import {authenticate} from './sigv4.js'
import {parseTarget} from './uri.js'
/** The time between check and write while conditions are racy: enough for every racer to have been checked. */
const RACE_WINDOW_MS = 25
/** One request from its first header to the last byte of its answer. Never rejects. */
export async function serve(service, request, response) {
  const {clock, requests} = service
  const number = requests.begin()
  const at = clock.now()
  const started = performance.now()
  const requestId = number.toString(16).toUpperCase().padStart(16, '0')
  const wireStart = new WireCounter(request)
  let parsed = {}
  let accessKeyId
  let answer = {status: 0}
  let error
  let bytesOut = 0
  try {
    let verdict = {beforeMs: 0, afterMs: 0}
    try {
      parsed = parse(service, request)
    } catch (thrown) {
      error = asS3Error(thrown)
    }
    verdict = service.faults.judge({
      method: request.method ?? '',
      operation: parsed.operation,
      bucket: parsed.resource?.bucket ?? '',
      key: parsed.resource?.key ?? '',
    })
    const wait = service.settings.latencyMs + verdict.beforeMs
    if (wait > 0) await delay(wait)
    const {fault} = verdict
    if (fault?.type === 'hang') return
    if (fault?.type === 'reset' && fault.at === 'before') {
      request.socket.destroy()
      return
    }
    try {
      if (error) throw error
      if (fault?.type === 'error') throw plannedError(fault)
      const identity = authenticate(
        {method: request.method ?? '', target: parsed.target, headers: request.headers},
        identityRules(service),
      )
      accessKeyId = identity.accessKeyId
      answer = await handle(service, request, parsed, identity)
    } catch (thrown) {
      if (thrown instanceof ClientGone) throw thrown
      error = asS3Error(thrown)
      await drain(request)
      answer = errorAnswer(error, parsed.target?.path ?? request.url ?? '', requestId)
    }
    response.setHeader('date', new Date(clock.now()).toUTCString())
    response.setHeader('server', 'strict-s3')
    response.setHeader('x-amz-request-id', requestId)
    const status = answer.status
    bytesOut = await sendAnswer(response, answer, verdict)
    if (fault?.type === 'reset' && fault.at === 'after') answer = {status: 0}
    else answer = {status}
  } catch (thrown) {
    if (!(thrown instanceof ClientGone)) throw thrown
  } finally {
    const {authorization: _, ...headers} = request.headers
    const prefix = parsed.target?.query.find(([name]) => name === 'prefix')?.[1]
    const entry = {
      number,
      method: request.method ?? '',
      ...(parsed.operation ? {operation: parsed.operation} : {}),
      bucket: parsed.resource?.bucket ?? '',
      key: parsed.resource?.key ?? '',
      ...(prefix === undefined ? {} : {prefix}),
      status: answer.status,
      ...(error ? {error: error.code} : {}),
      bytesIn: wireStart.bytes,
      bytesOut,
      at,
      ms: performance.now() - started,
      ...(accessKeyId === undefined ? {} : {accessKeyId}),
      ...(service.logHeaders ? {headers} : {}),
    }
    requests.end(entry)
  }
}
/** Counts body bytes without making the stream flow before somebody reads it. */
class WireCounter {
  bytes = 0
  constructor(request) {
    const push = request.push.bind(request)
    request.push = (chunk, encoding) => {
      if (chunk) this.bytes += chunk.length
      return push(chunk, encoding)
    }
  }
}
function parse({settings}, request) {
  const target = parseTarget(request.url ?? '/')
  const resource = resolveResource(target, request.headers.host ?? '', settings.addressing)
  return {target, resource, operation: operationOf(request.method ?? '', resource, target, request.headers)}
}
const identityRules = ({credentials, region, clock}) => ({credentials, region, now: () => clock.now()})
async function handle(service, request, {operation, resource, target}, identity) {
  const {settings, faults} = service
  const query = new Map(target.query)
  const key = resource.key ?? ''
  checkPermission(service, request, operation, key, query, identity)
  const mode = settings.conditions
  if (mode === 'racy' && isConditional(request)) {
    checkWriteConditions(request.headers, key, service.store.bucket(resource.bucket ?? '').get(key))
  }
  const body = await receiveBody(request, identity, {
    requireContentLength: settings.requireContentLength,
    checksumIsOfBody: operation !== 'CompleteMultipartUpload',
  })
  if (mode === 'racy' && isConditional(request)) await delay(RACE_WINDOW_MS)
  const call = {
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
function checkPermission({faults, owner}, {headers}, operation, key, query, {accessKeyId}) {
  const expected = [headers['x-amz-expected-bucket-owner'], headers['x-amz-source-expected-bucket-owner']]
  if (expected.some((account) => account !== undefined && account !== owner)) throw accessDenied()
  const scope = operation === 'ListObjectsV2' || operation === 'ListObjects' ? (query.get('prefix') ?? '') : key
  if (faults.isDenied(operation, scope, accessKeyId)) throw accessDenied()
}
function isConditional({method, headers}) {
  return method !== 'GET' && method !== 'HEAD' && (headers['if-match'] ?? headers['if-none-match']) !== undefined
}
function asS3Error(thrown) {
  if (thrown instanceof S3Error) return thrown
  const message = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return new S3Error(500, 'StrictServerBug', message)
}
