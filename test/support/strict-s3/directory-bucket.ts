import {bucketOf, type Call} from './call.js'
import {invalidRequest, notImplemented, S3Error} from './errors.js'
import type {MultipartUpload} from './multipart-state.js'

/** What differs in directory buckets (S3 Express One Zone), besides the order of listings and opaque ETags. */

/** Zone and suffix, without which no directory bucket is made. */
export const DIRECTORY_SUFFIX = '--use1-az4--x-s3'
export const DIRECTORY_CLASS = 'EXPRESS_ONEZONE'

/** A request to a bucket of that kind is signed for another service. */
export const signingService = (bucket: string | undefined): string =>
  bucket?.endsWith('--x-s3') === true ? 's3express' : 's3'

/** @throws InvalidRequest, NotImplemented */
export function checkDirectoryListing({settings, operation, query}: Call): void {
  if (!settings.directoryBucket) return
  if (operation === 'ListObjects') throw notImplemented('list-type')
  if (query.has('start-after')) throw notImplemented('start-after')
  const prefix = query.get('prefix') ?? ''
  if (prefix !== '' && !prefix.endsWith('/')) {
    throw invalidRequest('A directory bucket lists directories: the prefix has to end in the delimiter.')
  }
  if ((query.get('delimiter') || '/') !== '/') throw invalidRequest('A directory bucket knows no delimiter but /.')
}

/** Folders that hold nothing but the parts of an upload under way are listed too, as long as it lasts. */
export function uploadFolders(call: Call, prefix: string): string[] {
  const inside = [...bucketOf(call).uploads.values()].filter(({key}) => key.startsWith(prefix))
  return inside.flatMap(({key}) => {
    const end = key.indexOf('/', prefix.length)
    return end === -1 ? [] : [key.slice(0, end + 1)]
  })
}

/** @throws InvalidRequest unless the parts are numbered 1, 2, 3 … without a gap */
export function checkConsecutive(
  {settings}: Call,
  {parts}: Pick<MultipartUpload, 'parts'>,
  numbers: readonly number[],
): void {
  if (!settings.directoryBucket || numbers.every((number, index) => number === index + 1)) return
  throw invalidRequest(`Parts of a directory bucket are consecutive, from 1; these of ${parts.size} are not.`)
}

/** @throws InvalidRequest for keys that a batch may not hold */
export function checkBatchKey({settings}: Call, key: string): void {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (!settings.directoryBucket || !/^\s*$|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(key)) return
  throw invalidRequest('A key of a batch has to hold more than spaces, and no control characters.')
}

/** @throws InvalidBucketName */
export function checkBucketName({settings}: Pick<Call, 'settings'>, name: string): void {
  if (settings.directoryBucket === /--[a-z0-9-]+--x-s3$/.test(name)) return
  throw new S3Error(400, 'InvalidBucketName', 'The specified bucket is not valid.', {elements: {BucketName: name}})
}
