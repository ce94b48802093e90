import {isIP} from 'node:net'
import type {S3Client} from '@aws-sdk/client-s3'
import {keepAnswerDates} from '../answer-date.js'
import {directoryPath, isDirectoryBucket} from './directory-bucket.js'

interface HttpParts {
  readonly protocol: string
  readonly hostname: string
  readonly headers: Record<string, string>
  path: string
}

const CHECKSUM = 'x-amz-checksum-sha256'
const CONTENT = 'x-amz-content-sha256'

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
  keepAnswerDates(stack)
}
