import {isIP} from 'node:net'
import type {S3Client} from '@aws-sdk/client-s3'
import {directoryPath, isDirectoryBucket} from './directory-bucket.js'

interface HttpParts {
  readonly protocol: string
  readonly hostname: string
  readonly headers: Record<string, string>
  path: string
}

const CHECKSUM = 'x-amz-checksum-sha256'
const CONTENT = 'x-amz-content-sha256'
const dates = new WeakMap<object, number>()

/**
 * Adds what the SDK does not do: a last look at where a request goes, one SHA-256 for both checksum and signature, and the
 * store's clock.
 *
 * @param bucket the one that all requests are for
 * @param checkHost throws for a host that nothing may be sent to, however the SDK came upon it
 */
export function addMiddleware(
  stack: S3Client['middlewareStack'],
  bucket: string,
  checkHost: (protocol: string, hostname: string) => void,
): void {
  stack.add(
    (next) => async (args) => {
      const request = args.request as HttpParts
      const {protocol, hostname, headers} = request
      checkHost(protocol, hostname)
      if (isDirectoryBucket(bucket) && isIP(hostname.replaceAll(/[[\]]/g, '')) !== 0)
        request.path = directoryPath(bucket, request.path)
      const checksum = headers[CHECKSUM]
      if (checksum !== undefined) headers[CONTENT] ??= Buffer.from(checksum, 'base64').toString('hex')
      return next(args)
    },
    {step: 'build', name: 'repriseRequest', override: true},
  )
  stack.add(
    (next) => async (args) => {
      const result = await next(args)
      const {headers} = result.response as Partial<HttpParts>
      const date = Date.parse(headers?.['date'] ?? '')
      if (!Number.isNaN(date) && result.output !== undefined) dates.set(result.output.$metadata, date)
      return result
    },
    {step: 'deserialize', priority: 'high', name: 'repriseAnswer', override: true},
  )
}

/** The `Date` header of the answer, ms since the epoch. */
export function answerDate({$metadata}: {readonly $metadata: object}): number | undefined {
  return dates.get($metadata)
}
