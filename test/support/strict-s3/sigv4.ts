import {createHash, createHmac, timingSafeEqual} from 'node:crypto'
import type {IncomingHttpHeaders} from 'node:http'
import type {ChunkSigner} from './aws-chunked.js'
import {accessDenied, invalidRequest, S3Error} from './errors.js'
import type {Credentials} from './options.js'
import {uriEncode, uriEncodePath, type Target} from './uri.js'

const MAX_SKEW_MS = 15 * 60 * 1000
const EMPTY_SHA256 = createHash('sha256').digest('hex')

export interface SignedRequest {
  readonly method: string
  readonly target: Target
  readonly headers: IncomingHttpHeaders
}

export interface Verifier {
  readonly credentials: readonly Credentials[]
  readonly region: string
  /** That requests are signed for: `s3`, for directory buckets `s3express`. */
  readonly service: string
  /** Milliseconds since the epoch, by the server's clock. */
  now(): number
}

export interface Identity {
  readonly accessKeyId: string
  /** What the client said about the body: hex, `UNSIGNED-PAYLOAD` or one of the STREAMING words. */
  readonly payload: string
  /** For bodies that sign each chunk. */
  readonly chunkSigner: ChunkSigner
}

interface Claim {
  readonly credential: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly payload: string
  readonly query: Target['query']
  readonly token: string | undefined
  readonly expiresMs?: number
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/**
 * Checks who sent a request: Signature Version 4, in the Authorization header or presigned.
 *
 * @throws AccessDenied (anonymous), InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AuthorizationHeaderMalformed, …
 */
export function authenticate(request: SignedRequest, verifier: Verifier): Identity {
  const claim = readClaim(request)
  const [accessKeyId = '', day = '', region = '', service = '', end = ''] = claim.credential.split('/')
  const scope = `${day}/${region}/${service}/${end}`
  checkDate(claim, day, verifier.now())
  const known = verifier.credentials.find((candidate) => candidate.accessKeyId === accessKeyId)
  if (!known) {
    throw new S3Error(403, 'InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
      elements: {AWSAccessKeyId: accessKeyId},
    })
  }
  if (service !== verifier.service || end !== 'aws4_request') {
    throw new S3Error(400, 'AuthorizationHeaderMalformed', 'The credential scope is malformed.')
  }
  if (region !== verifier.region) {
    throw new S3Error(
      400,
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${region}' is wrong; expecting '${verifier.region}'`,
      {elements: {Region: verifier.region}, headers: {'x-amz-bucket-region': verifier.region}},
    )
  }
  if ((known.sessionToken ?? '') !== (claim.token ?? '')) {
    throw new S3Error(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.')
  }
  if (known.expires !== undefined && verifier.now() >= known.expires) {
    throw new S3Error(400, 'ExpiredToken', 'The provided token has expired.')
  }
  checkSignedHeaders(request.headers, claim.signedHeaders)

  const signingKey = [service, 'aws4_request'].reduce(
    (key, text) => hmac(key, text),
    hmac(hmac(`AWS4${known.secretAccessKey}`, day), region),
  )
  const canonical = canonicalRequest(request, claim)
  const stringToSign = ['AWS4-HMAC-SHA256', claim.date, scope, sha256(canonical)].join('\n')
  if (!same(hmac(signingKey, stringToSign).toString('hex'), claim.signature)) throw signatureDoesNotMatch(accessKeyId)
  return {accessKeyId, payload: claim.payload, chunkSigner: chunkSigner(signingKey, claim, scope, accessKeyId)}
}

function readClaim({headers, target}: SignedRequest): Claim {
  const query = new Map(target.query)
  if (query.has('X-Amz-Algorithm')) {
    const part = (name: string): string => query.get(`X-Amz-${name}`) ?? ''
    const expiresMs = Number(part('Expires')) * 1000
    if (!(expiresMs > 0 && expiresMs <= 604_800_000)) {
      throw new S3Error(400, 'AuthorizationQueryParametersError', 'X-Amz-Expires must be between 1 and 604800 seconds')
    }
    return {
      credential: part('Credential'),
      signedHeaders: part('SignedHeaders').split(';'),
      signature: part('Signature'),
      date: part('Date'),
      payload: header(headers, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD',
      query: target.query.filter(([name]) => name !== 'X-Amz-Signature'),
      token: query.get('X-Amz-Security-Token'),
      expiresMs,
    }
  }
  const authorization = header(headers, 'authorization')
  if (!authorization) throw accessDenied()
  const match = /^AWS4-HMAC-SHA256 +Credential=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/.exec(
    authorization,
  )
  if (!match)
    throw invalidRequest('The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.')
  const payload = header(headers, 'x-amz-content-sha256')
  if (payload === undefined) throw invalidRequest('Missing required header for this request: x-amz-content-sha256')
  return {
    credential: match[1]!,
    signedHeaders: match[2]!.split(';'),
    signature: match[3]!,
    date: header(headers, 'x-amz-date') ?? '',
    payload,
    query: target.query,
    token: header(headers, 'x-amz-security-token'),
  }
}

function checkDate(claim: Claim, day: string, now: number): void {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.date)
  if (!match) throw accessDenied('AWS authentication requires a valid Date or x-amz-date header')
  const [year, month, date, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const sent = Date.UTC(year, month - 1, date, hour, minute, second)
  if (!claim.date.startsWith(`${day}T`)) {
    throw new S3Error(400, 'AuthorizationHeaderMalformed', 'Invalid credential date; it is not the date of x-amz-date.')
  }
  if (claim.expiresMs !== undefined) {
    if (now > sent + claim.expiresMs) throw accessDenied('Request has expired')
    if (sent > now + MAX_SKEW_MS) throw accessDenied('Request is not valid yet')
  } else if (Math.abs(now - sent) > MAX_SKEW_MS) {
    throw new S3Error(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        elements: {
          RequestTime: claim.date,
          ServerTime: new Date(now).toISOString(),
          MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
        },
      },
    )
  }
}

function checkSignedHeaders(headers: IncomingHttpHeaders, signed: readonly string[]): void {
  const unsigned = Object.keys(headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signed.includes(name),
  )
  // Presigned URLs may leave the payload header out of the signature; everything else of S3's must be in it.
  const offending = unsigned.filter((name) => name !== 'x-amz-content-sha256')
  if (offending.length > 0)
    throw accessDenied(`There were headers present in the request which were not signed: ${offending.join(', ')}`)
}

function canonicalRequest(request: SignedRequest, claim: Claim): string {
  const query = claim.query
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .toSorted(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const headers = claim.signedHeaders.map((name) => {
    const value = request.headers[name]
    return `${name}:${String(value ?? '')
      .trim()
      .replaceAll(/ +/g, ' ')}\n`
  })
  return [
    request.method,
    uriEncodePath(request.target.path),
    query,
    headers.join(''),
    claim.signedHeaders.join(';'),
    claim.payload,
  ].join('\n')
}

function chunkSigner(signingKey: Buffer, claim: Claim, scope: string, accessKeyId: string): ChunkSigner {
  let previous = claim.signature
  const verify = (signature: string | undefined, kind: string, hashes: readonly string[]): void => {
    const stringToSign = [`AWS4-HMAC-SHA256-${kind}`, claim.date, scope, previous, ...hashes].join('\n')
    const expected = hmac(signingKey, stringToSign).toString('hex')
    if (signature === undefined || !same(expected, signature)) throw signatureDoesNotMatch(accessKeyId)
    previous = expected
  }
  return {
    verifyChunk: (signature, hash) => verify(signature, 'PAYLOAD', [EMPTY_SHA256, hash]),
    verifyTrailer: (signature, trailer) => verify(signature, 'TRAILER', [sha256(trailer)]),
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function same(expected: string, given: string): boolean {
  return expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given))
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

function signatureDoesNotMatch(accessKeyId: string): S3Error {
  return new S3Error(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    {elements: {AWSAccessKeyId: accessKeyId}},
  )
}
