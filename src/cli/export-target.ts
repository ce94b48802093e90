import {join} from 'node:path'
import {boolean, string} from '@oclif/core/flags'
import {EXPORT_FORMATS, type ExportFormat} from '../inspect/export-session.js'
import {openPlaceholders, parseStoreUrl, type S3StoreUrl} from '../object-store/store-url.js'
import {withEnvironment} from './flags.js'
import {placeholderOpen, resolveUrl} from './open-prefixed.js'
import type {Runtime} from './runtime.js'

/** In which form something is written, and where to. */
export const formFlags = withEnvironment({
  format: string({
    summary: "What to write (default: what the file's name ends in, else jsonl).",
    options: [...EXPORT_FORMATS],
  }),
  output: string({
    char: 'o',
    summary: 'Where to: a file, a directory/, or an s3:// URL (default: stdout); {session}, {task}, {user}, {machine}.',
    helpValue: '<file|url>',
  }),
  gzip: boolean({summary: 'Packed with gzip, as with a name that ends in .gz.'}),
})

/** What is written: in which form, packed or not. */
export interface ExportForm {
  readonly format: ExportFormat
  readonly gzip: boolean
}

/** Where one export goes. */
export type ExportTarget =
  | {readonly kind: 'file'; readonly path: string}
  /** `url` is the bucket's; the key lies in it. */
  | {readonly kind: 'object'; readonly url: S3StoreUrl; readonly key: string; readonly place: string}

/** Of what a name says, unless flags say it: `trace.md.gz` is Markdown, packed. */
export function formOf(flags: {
  readonly format?: string | undefined
  readonly gzip: boolean
  readonly output?: string | undefined
}): ExportForm {
  const {output = '', gzip} = flags
  const extension = /\.(?<extension>[a-z]+)(?:\.gz)?$/u.exec(output)?.groups?.['extension']
  const wanted = flags.format ?? extension
  const format = EXPORT_FORMATS.find((each) => each === wanted) ?? 'jsonl'
  return {format, gzip: gzip || output.endsWith('.gz')}
}

/** Whether a name stands for as many files as there are sessions. */
export function namesEach(output: string): boolean {
  return output.endsWith('/') || output.includes('{session}') || output.includes('{task}')
}

/**
 * The file or object that a name stands for. `{session}`, `{task}`, `{user}` and `{machine}` have their values in it; a name that ends
 * in `/` is a directory, in which the session's id is the name.
 *
 * @throws STORE_URL_INVALID, PLACEHOLDER_OPEN, PLACEHOLDER_EMPTY
 */
export async function targetOf(
  runtime: Runtime,
  output: string,
  of: {readonly sessionId: string; readonly task?: string | undefined},
  {format, gzip}: ExportForm,
): Promise<ExportTarget> {
  const name = output.endsWith('/') ? `${output}{session}.${format}${gzip ? '.gz' : ''}` : output
  const text = name.replaceAll('{session}', encodeURIComponent(of.sessionId))
  const url = await resolveUrl(runtime, parseStoreUrl(text, {cwd: process.cwd()}), of.task)
  const [open] = openPlaceholders(url)
  if (open !== undefined) throw placeholderOpen(open, url)
  const below = url.prefix.slice(0, -1)
  if (url.kind === 'file') return {kind: 'file', path: join(url.dir, below)}
  return {kind: 'object', url: {...url, prefix: ''}, key: below, place: `s3://${url.bucket}/${below}`}
}
