import {resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import {RepriseError} from '../base/errors.js'

/** A store's URL, taken apart. */
export type StoreAddress =
  | {readonly type: 'file'; readonly directory: string}
  | {readonly type: 's3'; readonly bucket: string; readonly prefix: string}

/**
 * Reads `s3://bucket/prefix`, `file:///dir` or a plain path.
 *
 * @returns an absolute directory; an S3 prefix that is empty or ends in `/`.
 * @throws STORE_URL_INVALID (usage). Its message never repeats what could hold a credential.
 */
export function parseStoreUrl(url: string, workingDirectory: string): StoreAddress {
  const scheme = /^(?<scheme>[A-Za-z][A-Za-z0-9+.-]*):\/\//u.exec(url)?.groups?.['scheme']?.toLowerCase()
  if (scheme === undefined) return {type: 'file', directory: resolve(workingDirectory, url)}
  if (scheme === 'file') return {type: 'file', directory: directoryOf(url)}
  if (scheme === 's3') return bucketOf(url.slice('s3://'.length))
  throw invalid(`there are no stores of the kind ${scheme}://.`)
}

function directoryOf(url: string): string {
  try {
    return fileURLToPath(url)
  } catch (error) {
    throw invalid(
      `a file store is written file:///absolute/directory (${error instanceof Error ? error.message : ''}).`,
    )
  }
}

function bucketOf(rest: string): StoreAddress {
  const slash = rest.indexOf('/')
  const bucket = slash === -1 ? rest : rest.slice(0, slash)
  if (bucket.includes('@')) throw invalid('credentials do not belong in a URL.', 'Use a profile or the environment.')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/u.test(bucket))
    throw invalid('the name of a bucket is expected after s3://.')
  const path = slash === -1 ? '' : rest.slice(slash + 1).replace(/\/+$/u, '')
  if (/[?#\p{Cc}]/u.test(path)) throw invalid('a prefix holds no ?, # or control character.')
  if (path.split('/').some((segment) => segment === '.' || segment === '..' || (segment === '' && path !== ''))) {
    throw invalid('no segment of a prefix is empty, "." or "..".')
  }
  return {type: 's3', bucket, prefix: path === '' ? '' : `${path}/`}
}

function invalid(what: string, suggestion = 'Write s3://bucket/prefix, file:///dir or a path.'): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'STORE_URL_INVALID',
    message: `--store: ${what}`,
    suggestions: [suggestion],
  })
}
