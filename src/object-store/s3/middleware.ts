import type {S3Client} from '@aws-sdk/client-s3'

interface HttpParts {
  readonly protocol: string
  readonly hostname: string
  readonly headers: Record<string, string>
}

const CHECKSUM = 'x-amz-checksum-sha256'
const CONTENT = 'x-amz-content-sha256'
const dates = new WeakMap<object, number>()

/**
 * Adds what the SDK does not do: a last look at where a request goes, one SHA-256 for both checksum and signature, and the
 * store's clock.
 *
 * @param checkHost throws for a host that nothing may be sent to, however the SDK came upon it
 */
export function addMiddleware(
  stack: S3Client['middlewareStack'],
  checkHost: (protocol: string, hostname: string) => void,
): void {
  stack.add(
    (next) => async (args) => {
      const {protocol, hostname, headers} = args.request as HttpParts
      checkHost(protocol, hostname)
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
