import type {SessionFailure} from '../sync/report.js'
import {sanitizeLine} from './sanitize.js'

/** What stands below the line of a session that failed: why, and what to do next. */
export function failureLines(error: SessionFailure | undefined): readonly string[] {
  if (!error) return []
  const next = error.suggestions.map((suggestion) => `  → ${sanitizeLine(suggestion)}`)
  return [`  ${sanitizeLine(error.message)} [${error.code}]`, ...next]
}
