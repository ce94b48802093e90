import type {Readable} from 'node:stream'
import type * as S3 from '@aws-sdk/client-s3'
import {keepAnswerDate} from '../answer-date.js'

/** Refusals that do not depend on how the request was made. */
const TOLD_BY_STATUS: ReadonlySet<number> = new Set([404, 412, 416, 429])

/** The scheme that is signed here; all others are left to the SDK. */
const SIGV4 = 'aws.auth#sigv4'

interface HttpRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query: Record<string, unknown>
  readonly headers: Record<string, string>
}

interface HttpAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Readable
}

/** What the SDK decided for the first GET of a client: where it goes, with which headers, and how it is signed. */
interface Template {
  readonly request: HttpRequest
  /** The path before the key. */
  readonly base: string
  readonly sign: (request: HttpRequest) => Promise<unknown>
}

interface AuthScheme {
  readonly httpAuthOption: {
    readonly schemeId: string
    readonly signingProperties?: {readonly signingRegion?: string; readonly signingName?: string}
  }
}

/** What the SDK tells its middleware of a command. */
interface Context {
  readonly commandName?: string
  readonly __smithy_context?: {readonly selectedHttpAuthScheme?: AuthScheme}
}

export interface LeanGetOptions {
  /** Of the `Range` header. */
  readonly range?: string
  /** Quoted. */
  readonly ifMatch?: string
  readonly abortSignal?: AbortSignal
}

/** What of an answer is used; of the SDK's shape. */
export type GetAnswer = Pick<
  S3.GetObjectCommandOutput,
  | '$metadata'
  | 'ContentLength'
  | 'ContentRange'
  | 'ContentType'
  | 'ETag'
  | 'LastModified'
  | 'Metadata'
  | 'StorageClass'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'ObjectLockLegalHoldStatus'
  | 'ChecksumSHA256'
  | 'ChecksumCRC32'
  | 'ChecksumType'
> & {readonly Body: Readable}

/**
 * GETs without the SDK's middleware, which costs more processor time than everything else that a small part takes
 * (docs/decisions/0013). The first GET of a client goes through the SDK; those after it are its copies with another key,
 * signed by the SDK's signer with the client's credentials and sent by its request handler. An answer that may be about how the request
 * was made (its address, its signature, the clock) is for the SDK to understand: it is asked to send the request again.
 */
export class LeanGets {
  readonly #templates = new WeakMap<object, Template>()

  /** Before the client's first command. */
  watch(client: S3.S3Client): void {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const {commandName, __smithy_context: more} = context as Context
        const {Key: key} = args.input as {readonly Key?: string}
        if (commandName === 'GetObjectCommand' && key !== undefined && !this.#templates.has(client)) {
          const template = await templateOf(client, args.request as HttpRequest, key, more?.selectedHttpAuthScheme)
          if (template) this.#templates.set(client, template)
        }
        return next(args)
      },
      {step: 'finalizeRequest', priority: 'high', name: 'repriseLeanGet', override: true},
    )
  }

  /**
   * @returns undefined where the SDK has to be asked.
   * @throws what the SDK would: an error with S3's code as its name, `$metadata` and `$response`.
   */
  async get(client: S3.S3Client, key: string, options: LeanGetOptions): Promise<GetAnswer | undefined> {
    const template = this.#templates.get(client)
    if (!template) return undefined
    const {range, ifMatch, abortSignal} = options
    const {request, base, sign} = template
    const headers = {
      ...request.headers,
      ...(range === undefined ? {'x-amz-checksum-mode': 'ENABLED'} : {range}),
      ...(ifMatch === undefined ? {} : {'if-match': ifMatch}),
    }
    const signed = await sign({...request, path: base + encodeKey(key), query: {...request.query}, headers})
    const {response} = (await client.config.requestHandler.handle(
      signed as never,
      abortSignal === undefined ? {} : {abortSignal},
    )) as unknown as {response: HttpAnswer}
    if (response.statusCode === 200 || response.statusCode === 206) return answerOf(response)
    const {statusCode} = response
    if (statusCode < 500 && !TOLD_BY_STATUS.has(statusCode)) {
      response.body.on('error', () => {}).resume()
      return undefined
    }
    throw await failureOf(response)
  }
}

async function templateOf(
  client: S3.S3Client,
  request: HttpRequest,
  key: string,
  scheme: AuthScheme | undefined,
): Promise<Template | undefined> {
  const option = scheme?.httpAuthOption
  const {signingRegion, signingName} = option?.signingProperties ?? {}
  const encoded = encodeKey(key)
  const isPlain = option?.schemeId === SIGV4 && signingRegion !== undefined && signingName !== undefined
  if (!isPlain || request.method !== 'GET' || !request.path.endsWith(`/${encoded}`)) return undefined
  const {config} = client
  const signer = await config.signer({name: 'sigv4', signingRegion, signingName, properties: {}})
  const {range: _range, 'if-match': _match, 'x-amz-checksum-mode': _mode, ...headers} = request.headers
  return {
    request: {...request, headers},
    base: request.path.slice(0, -encoded.length),
    sign: async (each) =>
      signer.sign(each as never, {
        // oxlint-disable-next-line no-restricted-properties -- the SDK's clock, as far as it is one: the machine's, and its offset
        signingDate: new Date(Date.now() + config.systemClockOffset),
        signingRegion,
        signingService: signingName,
      }),
  }
}

/** As S3 wants it in a path: all but slashes and unreserved characters. */
function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
}

const METADATA = 'x-amz-meta-'

function answerOf({statusCode, headers, body}: HttpAnswer): GetAnswer {
  const $metadata = {httpStatusCode: statusCode}
  keepAnswerDate($metadata, headers)
  const Metadata: Record<string, string> = {}
  for (const name in headers) {
    if (name.startsWith(METADATA)) Metadata[name.slice(METADATA.length)] = headers[name] ?? ''
  }
  return {
    $metadata,
    Body: body,
    Metadata,
    ContentLength: numberOf(headers['content-length']),
    ContentRange: headers['content-range'],
    ContentType: headers['content-type'],
    ETag: headers['etag'],
    LastModified: dateOf(headers['last-modified']),
    StorageClass: headers['x-amz-storage-class'] as S3.StorageClass | undefined,
    ObjectLockMode: headers['x-amz-object-lock-mode'] as S3.ObjectLockMode | undefined,
    ObjectLockRetainUntilDate: dateOf(headers['x-amz-object-lock-retain-until-date']),
    ObjectLockLegalHoldStatus: headers['x-amz-object-lock-legal-hold'] as S3.ObjectLockLegalHoldStatus | undefined,
    ChecksumSHA256: headers['x-amz-checksum-sha256'],
    ChecksumCRC32: headers['x-amz-checksum-crc32'],
    ChecksumType: headers['x-amz-checksum-type'] as S3.ChecksumType | undefined,
  }
}

const MAX_ERROR_BYTES = 64 * 1024

/** An error as the SDK makes it of an answer. */
async function failureOf({statusCode, headers, body}: HttpAnswer): Promise<Error> {
  let xml = ''
  for await (const chunk of body.setEncoding('utf8')) {
    xml += chunk as string
    if (xml.length > MAX_ERROR_BYTES) break
  }
  const code = /<Code>([A-Za-z0-9.]{1,100})<\/Code>/.exec(xml)?.[1]
  const message = /<Message>([^<]*)<\/Message>/.exec(xml)?.[1] ?? ''
  return Object.assign(new Error(message), {
    name: code ?? 'UnknownError',
    $metadata: {httpStatusCode: statusCode, requestId: headers['x-amz-request-id']},
    $response: {statusCode, headers},
  })
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text)
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
