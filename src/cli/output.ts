import type {RepriseError} from '../base/errors.js'
import {escapeJson, sanitizeLine} from '../view/sanitize.js'

/** Something worth knowing that did not stop the command. Codes are API like those of errors. */
export interface Warning {
  readonly code: string
  readonly message: string
}

/** One line, so that `… | while read` and NDJSON readers can take it. */
export function successJson(result: unknown, warnings: readonly Warning[]): string {
  return jsonLine({status: 'ok', result, warnings})
}

/** @param mask takes secrets out of each text: over the finished line it could take JSON's own quotes along. */
export function failureJson(error: RepriseError, mask: (text: string) => string): string {
  const {kind, code} = error
  const suggestions = error.suggestions.map((suggestion) => mask(suggestion))
  return jsonLine({status: 'error', error: {kind, code, message: mask(error.message), suggestions}})
}

/** Safe to show on a terminal, whoever wrote its texts. */
export function jsonLine(value: unknown): string {
  return `${escapeJson(JSON.stringify(value))}\n`
}

/** For people, on stderr: what happened, its code, then one next step a line. */
export function failureText(error: RepriseError): string {
  const lines = [`Error: ${sanitizeLine(error.message)} [${error.code}]`]
  for (const suggestion of error.suggestions) lines.push(`  → ${sanitizeLine(suggestion)}`)
  return `${lines.join('\n')}\n`
}

export function warningText(warning: Warning): string {
  return `Warning: ${sanitizeLine(warning.message)}\n`
}

/** What stands before `--`: the rest is claude's. */
export function ownArguments(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--')
  return end === -1 ? argv : argv.slice(0, end)
}

/** Whether `--json` was asked for, for errors that come before the flags are parsed. */
export function wantsJson(argv: readonly string[], variable: string | undefined): boolean {
  return ownArguments(argv).includes('--json') || /^(?:1|true|y|yes|on)$/iu.test(variable ?? '')
}
