import {resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import {RepriseError} from '../base/errors.js'
import {maskSecrets} from '../base/mask.js'

export const PLACEHOLDERS = ['task', 'user', 'machine'] as const
export type Placeholder = (typeof PLACEHOLDERS)[number]
export type PlaceholderValues = Readonly<Partial<Record<Placeholder, string>>>

export interface S3StoreUrl {
  readonly kind: 's3'
  readonly bucket: string
  /** `''`, or ends in `/`. May hold placeholders. */
  readonly prefix: string
}

export interface FileStoreUrl {
  readonly kind: 'file'
  /** Absolute. */
  readonly dir: string
  /** Below `dir`: `''`, or begins with the first placeholder's segment and ends in `/`. */
  readonly prefix: string
}

/** Where sessions live, as the user named it. Never holds credentials. */
export type StoreUrl = S3StoreUrl | FileStoreUrl

const PLACEHOLDER = /\{([^{}]*)\}/g

/**
 * Reads `s3://bucket/prefix`, `file:///dir` or a plain path (relative to `cwd`), with placeholders `{task}`, `{user}` and
 * `{machine}` as whole or partial path segments.
 *
 * @throws STORE_URL_INVALID (usage); the message never shows credentials that stood in the text.
 */
export function parseStoreUrl(text: string, options: {readonly cwd: string}): StoreUrl {
  if (text === '') throw invalid(text, 'is empty')
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) throw invalid(text, 'holds control characters')
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) return fileUrl(text, resolve(options.cwd, text))
  if (scheme === 's3') return s3Url(text)
  if (scheme === 'file') return fileUrl(text, filePath(text))
  throw invalid(text, `has the scheme '${scheme}://', which is no store`)
}

/** The URL as text, for people and for {@link parseStoreUrl}. */
export function formatStoreUrl(url: StoreUrl): string {
  if (url.kind === 's3') return `s3://${url.bucket}${url.prefix === '' ? '' : `/${url.prefix.slice(0, -1)}`}`
  const path = url.prefix === '' ? url.dir : `${url.dir === '/' ? '' : url.dir}/${url.prefix.slice(0, -1)}`
  return `file://${path.replaceAll(/[%?#\\]/g, encodeURIComponent)}`
}

/** The placeholders that have no value yet, in the order in which they stand. */
export function openPlaceholders(url: StoreUrl): readonly Placeholder[] {
  const names = new Set<Placeholder>()
  for (const [, name] of url.prefix.matchAll(PLACEHOLDER)) if (isPlaceholder(name)) names.add(name)
  return [...names]
}

/**
 * Puts values in the places of placeholders; those without a value stay open. A value stays one path segment whatever it
 * holds: everything but letters, digits, `_`, `-` and `.` is percent-encoded.
 *
 * @throws PLACEHOLDER_EMPTY (usage) for a value that is empty.
 */
export function resolvePlaceholders<T extends StoreUrl>(url: T, values: PlaceholderValues): T {
  const prefix = url.prefix.replaceAll(PLACEHOLDER, (open: string, name: string) => {
    const value = isPlaceholder(name) ? values[name] : undefined
    if (value === undefined) return open
    if (value !== '') return encodeSegment(value)
    throw new RepriseError({
      kind: 'usage',
      code: 'PLACEHOLDER_EMPTY',
      message: `The value of {${name}} in the store's URL is empty.`,
      suggestions: [`Give {${name}} a value, or leave it out of the store's URL.`],
    })
  })
  return {...url, prefix}
}

/** One path segment that no file system or store takes apart. `.` and `..` become `%2E` and `%2E%2E`. */
export function encodeSegment(value: string): string {
  const encoded = [...Buffer.from(value.toWellFormed())]
    .map((byte) => {
      const char = String.fromCharCode(byte)
      return /[\w.-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
  return /^\.+$/.test(encoded) ? encoded.replaceAll('.', '%2E') : encoded
}

function s3Url(text: string): S3StoreUrl {
  const rest = text.slice('s3://'.length)
  if (/[?#]/.test(rest)) throw invalid(text, 'has a query or a fragment')
  const slash = rest.indexOf('/')
  const bucket = slash < 0 ? rest : rest.slice(0, slash)
  if (/[@:]/.test(bucket)) throw credentials(text)
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes('..')) {
    throw invalid(text, `names no valid bucket`)
  }
  return {kind: 's3', bucket, prefix: normalPrefix(text, slash < 0 ? '' : rest.slice(slash + 1))}
}

/** The directory ends where the first placeholder begins; what follows is a prefix as on S3. */
function fileUrl(text: string, path: string): FileStoreUrl {
  const segments = path.split('/').filter((segment) => segment !== '')
  const open = segments.findIndex((segment) => /\{[^{}]*\}/.test(segment))
  const cut = open < 0 ? segments.length : open
  return {
    kind: 'file',
    dir: `/${segments.slice(0, cut).join('/')}`,
    prefix: normalPrefix(text, segments.slice(cut).join('/')),
  }
}

function filePath(text: string): string {
  if (/[?#]/.test(text)) throw invalid(text, 'has a query or a fragment')
  const authority = text.slice('file://'.length).split('/', 1)[0] ?? ''
  if (/[@:]/.test(authority)) throw credentials(text)
  if (authority !== '' && authority !== 'localhost') throw invalid(text, 'names a host; a file store is a local path')
  try {
    const path = fileURLToPath(text)
    if (path.includes('\0')) throw invalid(text, 'holds control characters')
    return resolve(path)
  } catch (error) {
    if (error instanceof RepriseError) throw error
    throw invalid(text, 'is no file URL')
  }
}

/** Empty segments would make keys that several servers lose; `.` and `..` are not what they look like in a key. */
function normalPrefix(text: string, path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '')
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw invalid(text, `has '${segment}' in its path`)
    for (const [, name] of segment.matchAll(PLACEHOLDER)) {
      if (!isPlaceholder(name)) throw invalid(text, `has an unknown placeholder {${name}}`)
    }
    if (/[{}]/.test(segment.replaceAll(PLACEHOLDER, ''))) throw invalid(text, 'has a brace that is no placeholder')
  }
  return segments.length === 0 ? '' : `${segments.join('/')}/`
}

function isPlaceholder(name: string | undefined): name is Placeholder {
  return PLACEHOLDERS.some((placeholder) => placeholder === name)
}

function invalid(text: string, problem: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'STORE_URL_INVALID',
    message: `The store's URL ${JSON.stringify(maskSecrets(text).slice(0, 200))} ${problem}.`,
    suggestions: [
      'A store is s3://bucket/prefix, file:///dir or a path; {task}, {user} and {machine} may stand in it.',
    ],
  })
}

/** A secret key may hold a slash, so that everything up to the last @ is hidden. */
function credentials(text: string): RepriseError {
  const scheme = text.slice(0, text.indexOf('://') + 3)
  const host = text.includes('@') ? maskSecrets(text.slice(text.lastIndexOf('@'))).slice(0, 200) : ''
  return new RepriseError({
    kind: 'usage',
    code: 'STORE_URL_INVALID',
    message: `The store's URL ${JSON.stringify(`${scheme}***${host}`)} holds credentials.`,
    suggestions: [
      'Leave them out: S3 uses the usual credential chain (AWS_PROFILE, AWS_ACCESS_KEY_ID, roles).',
      'Treat them as exposed where the URL was logged or saved in a shell history.',
    ],
  })
}
