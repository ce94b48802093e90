import {createHash, createHmac} from 'node:crypto'
import {request, type OutgoingHttpHeaders} from 'node:http'
import {S3Client, type S3ClientConfig} from '@aws-sdk/client-s3'
import {startMoto, startRclone, startVersitygw} from './servers/index.js'
import {startStrictS3} from './strict-s3/index.js'

// The SDK would tell every test that Node 20 is old.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true'

interface Access {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A client that reads nothing of this machine's configuration and tries everything once. */
export function clientFor(server: Access, config: S3ClientConfig = {}): S3Client {
  const {endpoint, region, accessKeyId, secretAccessKey} = server
  return new S3Client({
    endpoint,
    region,
    credentials: {accessKeyId, secretAccessKey},
    forcePathStyle: true,
    maxAttempts: 1,
    ...config,
  })
}

export interface Target extends Access {
  readonly bucket: string
  close(): Promise<void>
}

/** The server that REPRISE_TEST_S3 names, else the strict one. */
export async function startTarget(): Promise<Target> {
  const others = {moto: startMoto, versitygw: startVersitygw, rclone: startRclone}
  const name = process.env['REPRISE_TEST_S3'] ?? 'strict'
  if (name === 'strict') return startStrictS3()
  if (!(name in others)) throw new Error(`REPRISE_TEST_S3 is one of strict, ${Object.keys(others).join(', ')}`)
  const server = await others[name as keyof typeof others]()
  if (server.endpoint === undefined) throw new Error(server.reason)
  return server
}

export interface Failure {
  readonly name: string
  readonly status: number | undefined
  readonly code: string | undefined
}

/** How a request failed; throws when it did not. */
export async function failure(attempt: Promise<unknown>): Promise<Failure> {
  try {
    await attempt
  } catch (error) {
    const thrown = error as {name: string; code?: string; $metadata?: {httpStatusCode?: number}}
    return {name: thrown.name, status: thrown.$metadata?.httpStatusCode, code: thrown.code}
  }
  throw new Error('expected a failure')
}

export interface RawRequest {
  readonly method: string
  /** As it goes over the wire. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

export interface RawAnswer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
}

/** Plain HTTP, for what no SDK would send. */
export function rawRequest({endpoint}: Pick<Access, 'endpoint'>, raw: RawRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(endpoint, {method: raw.method, path: raw.path, headers: raw.headers ?? {}}, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(raw.body)
  })
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')

export interface Signature {
  readonly signature: string
  readonly signingKey: Buffer
  readonly date: string
  readonly scope: string
}

export interface SignedRequest extends RawRequest {
  /** How long ago it was signed. */
  readonly ageMs?: number
  /** What is said about the body; default its SHA-256. */
  readonly payload?: string
  /** Makes the body from the signature, for bodies that sign their chunks. */
  readonly chunked?: (signature: Signature) => string
}

/** A request with a Signature Version 4 made here, independently of the SDK and of the server. Paths come encoded, without a query. */
export function signedRequest(server: Access, raw: SignedRequest): Promise<RawAnswer> {
  const date = new Date(Date.now() - (raw.ageMs ?? 0)).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const scope = `${date.slice(0, 8)}/${server.region}/s3/aws4_request`
  const headers: Record<string, string> = {
    host: new URL(server.endpoint).host,
    'x-amz-content-sha256': raw.payload ?? sha256(raw.body ?? ''),
    'x-amz-date': date,
    ...Object.fromEntries(Object.entries(raw.headers ?? {}).map(([name, value]) => [name, String(value)])),
  }
  const names = Object.keys(headers).toSorted()
  const canonical = [
    raw.method,
    raw.path,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n')
  const signingKey = [scope.slice(0, 8), server.region, 's3', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${server.secretAccessKey}`,
  ) as Buffer
  const signature = hmac(signingKey, ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n')).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${server.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  const body = raw.chunked ? raw.chunked({signature, signingKey, date, scope}) : raw.body
  return rawRequest(server, {...raw, headers: {...headers, authorization}, ...(body === undefined ? {} : {body})})
}
