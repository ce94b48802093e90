import type {ExportFormat} from '../../inspect/export-session.js'
import type {MaskedCounts} from '../../inspect/redaction.js'
import type {SessionFailure} from '../../sync/report.js'
import {formatBytes} from '../bytes.js'
import {failureLines} from '../failure.js'
import {sanitizeLine} from '../sanitize.js'

/** docs/json-output.md, `export`. */
export interface ExportReport {
  readonly files: readonly ExportedFile[]
  readonly bytes: number
  /** Absent where nothing was to be masked. */
  readonly masked?: MaskedCounts
}

export interface ExportedFile {
  /** Whose conversation it is, oldest first. */
  readonly sessions: readonly string[]
  readonly task?: string
  readonly format: ExportFormat
  readonly gzip: boolean
  readonly path?: string
  readonly url?: string
  /** As they were written; absent with `error`. */
  readonly bytes?: number
  readonly masked?: MaskedCounts
  readonly error?: SessionFailure
}

export function reportOf(files: readonly ExportedFile[]): ExportReport {
  const masked: Record<string, number> = {}
  for (const {masked: counts = {}} of files) {
    for (const [rule, count] of Object.entries(counts)) masked[rule] = (masked[rule] ?? 0) + count
  }
  const bytes = files.reduce((sum, {bytes: size = 0}) => sum + size, 0)
  return {files, bytes, ...(files.some((file) => file.masked) && {masked})}
}

/** `masked: 2 anthropic, 1 aws`. */
export function maskedText(masked: MaskedCounts): string {
  const counts = Object.entries(masked).map(([rule, count]) => `${count} ${rule}`)
  return counts.length === 0 ? 'nothing looked like a secret' : `masked: ${counts.join(', ')}`
}

/** A line for each file, and why others are not there. */
export function exportText({files, bytes, masked}: ExportReport): string {
  const lines = files.flatMap(({sessions, path, url, bytes: size, error}) => {
    const named = sessions.at(-1) ?? ''
    if (error) return [`${sanitizeLine(named)}  failed`, ...failureLines(error)]
    return [`${sanitizeLine(path ?? url ?? '')}  ${formatBytes(size ?? 0)}`]
  })
  if (files.length === 0) return 'No sessions to export.'
  const sum = files.length > 1 ? [`${files.length} sessions, ${formatBytes(bytes)}`] : []
  return [...lines, ...sum, ...(masked ? [maskedText(masked)] : [])].join('\n')
}
