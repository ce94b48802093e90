import {RepriseError} from '../base/errors.js'
import {isDirectoryBucket} from '../object-store/s3/directory-bucket.js'
import {formatStoreUrl, type StoreUrl} from '../object-store/store-url.js'

const SUFFIX = '--x-s3'
const MAX_NAME = 63

/** The zone in the name of a directory bucket, e.g. `usw2-az1`. */
export function zoneOf(bucket: string): string | undefined {
  return /--([a-z0-9]+-[a-z0-9]+)--xa?-s3$/u.exec(bucket)?.[1]
}

/**
 * The store in a directory bucket of this zone: S3 wants the zone in the bucket's name.
 *
 * @param zone the id of an availability zone (`usw2-az1`), which names the same place in every account.
 * @throws EXPRESS_INVALID (usage)
 */
export function inDirectoryBucket(url: StoreUrl, zone: string): StoreUrl {
  if (url.kind === 'file') throw invalid(`${formatStoreUrl(url)} is no bucket`, 'Name one: --store s3://bucket/prefix')
  if (!/^[a-z0-9]+-az\d+$/u.test(zone)) {
    throw invalid(
      `${JSON.stringify(zone)} is no availability zone's id`,
      'An id looks like usw2-az1; a name like us-west-2a means another zone in every account.',
    )
  }
  if (isDirectoryBucket(url.bucket)) {
    if (zoneOf(url.bucket) === zone) return url
    throw invalid(`the bucket ${url.bucket} lies in another zone than ${zone}`, 'Give the zone that is in its name.')
  }
  const bucket = `${url.bucket}--${zone}${SUFFIX}`
  if (bucket.length <= MAX_NAME && !bucket.includes('.')) return {...url, bucket}
  throw invalid(
    `${bucket} is no name for a directory bucket`,
    `It has at most ${MAX_NAME} characters with its zone, and no dots.`,
  )
}

function invalid(message: string, suggestion: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'EXPRESS_INVALID',
    message: `--express: ${message}.`,
    suggestions: [suggestion],
  })
}
