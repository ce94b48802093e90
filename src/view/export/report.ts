import type {ExportFormat} from '../../inspect/export-session.js'
import type {SessionFailure} from '../../sync/report.js'
import {formatBytes} from '../bytes.js'
import {failureLines} from '../failure.js'
import {sanitizeLine} from '../sanitize.js'

/** docs/json-output.md, `export`. */
export interface ExportReport {
  readonly files: readonly ExportedFile[]
  readonly bytes: number
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
  readonly error?: SessionFailure
}

/** A line for each file, and why others are not there. */
export function exportText({files, bytes}: ExportReport): string {
  const lines = files.flatMap(({sessions, path, url, bytes: size, error}) => {
    const named = sessions.at(-1) ?? ''
    if (error) return [`${sanitizeLine(named)}  failed`, ...failureLines(error)]
    return [`${sanitizeLine(path ?? url ?? '')}  ${formatBytes(size ?? 0)}`]
  })
  if (files.length === 0) return 'No sessions to export.'
  return [...lines, ...(files.length > 1 ? [`${files.length} sessions, ${formatBytes(bytes)}`] : [])].join('\n')
}
