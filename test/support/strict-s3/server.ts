import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {control, CONTROL_PREFIX} from './control.js'
import {DIRECTORY_SUFFIX} from './directory-bucket.js'
import {FaultPlan} from './faults.js'
import type {Settings, StrictS3, StrictS3Options} from './options.js'
import {RequestLog} from './request-log.js'
import {serve, type Service} from './serve.js'
import {ServerClock, Store} from './store.js'

export const DEFAULT_OWNER = '123456789012'

/**
 * Starts an S3 server in this process, on the loopback: everything that S3 checks is checked, everything is kept in memory, and
 * what goes wrong is up to the test.
 */
export async function startStrictS3(options: StrictS3Options = {}): Promise<StrictS3> {
  const clock = new ServerClock(options.now ?? Date.now)
  const store = new Store(clock)
  const buckets = options.buckets ?? [
    options.directoryBucket === true ? `test-bucket${DIRECTORY_SUFFIX}` : 'test-bucket',
  ]
  for (const name of buckets) store.createBucket(name)
  const settings: Settings = {
    latencyMs: options.latencyMs ?? 0,
    conditions: options.conditions ?? 'enforced',
    addressing: options.addressing ?? 'both',
    requireContentLength: options.requireContentLength ?? false,
    directoryBucket: options.directoryBucket ?? false,
    minPart: options.minPart ?? 5 * 1024 ** 2,
    partCopies: options.partCopies ?? 'ranges',
    checksumOnRanges: options.checksumOnRanges ?? false,
    retentionMs: options.retentionMs ?? 0,
  }
  const first = {
    accessKeyId: options.accessKeyId ?? 'STRICTS3ACCESSKEY',
    secretAccessKey: options.secretAccessKey ?? 'strict-s3-secret',
    ...(options.sessionToken === undefined ? {} : {sessionToken: options.sessionToken}),
  }
  const service: Service = {
    store,
    clock,
    settings,
    faults: new FaultPlan(options.seed ?? 1),
    requests: new RequestLog(),
    credentials: [first, ...(options.moreCredentials ?? [])],
    region: options.region ?? 'us-east-1',
    owner: options.owner ?? DEFAULT_OWNER,
    logHeaders: options.logHeaders ?? true,
  }
  const {server, close} = await listen(service, options.port ?? 0)
  const {port} = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    virtualEndpoint: `http://localhost:${port}`,
    port,
    bucket: buckets[0] ?? '',
    buckets,
    region: service.region,
    ...first,
    settings,
    requests: service.requests,
    faults: service.faults,
    clock,
    store,
    close,
  }
}

async function listen(service: Service, port: number): Promise<{server: Server; close: () => Promise<void>}> {
  const server = createServer({keepAliveTimeout: 65_000, requestTimeout: 0}, (request, response) => {
    response.sendDate = false
    // A client that goes away in the middle of an answer is its own affair.
    response.on('error', () => {})
    const done = request.url?.startsWith(CONTROL_PREFIX)
      ? control(service, request, response, () => void close())
      : serve(service, request, response)
    done.catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closed
  }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve())
  })
  return {server, close}
}
