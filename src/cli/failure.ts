import {appendFile, stat, truncate} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {RepriseError} from '../base/errors.js'
import {makeDirectories} from '../base/make-directories.js'

/** A log of our own bugs does not grow for ever. */
const LOG_LIMIT = 1024 * 1024

/**
 * Keeps what a bug report needs: the time, the command, the stack with its causes.
 *
 * @param mask takes secrets out of the text.
 * @returns the log's path, or undefined where it cannot be written (a read-only home must not hide the first error).
 */
export async function logBug(
  error: unknown,
  context: {
    readonly stateDirectory: string
    readonly now: number
    readonly command: string
    mask(text: string): string
  },
): Promise<string | undefined> {
  const path = join(context.stateDirectory, 'error.log')
  const entry = `${new Date(context.now).toISOString()} ${context.command}\n${stackOf(error)}\n\n`
  try {
    await makeDirectories(dirname(path))
    if (await isLargerThan(path, LOG_LIMIT)) await truncate(path, 0)
    await appendFile(path, context.mask(entry), {mode: 0o600})
    return path
  } catch {
    return undefined
  }
}

async function isLargerThan(path: string, limit: number): Promise<boolean> {
  try {
    const {size} = await stat(path)
    return size > limit
  } catch {
    return false
  }
}

/** The stack of an error and of all its causes. */
export function stackOf(error: unknown): string {
  const parts: string[] = []
  let current = error
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth += 1) {
    parts.push(current instanceof Error ? (current.stack ?? current.message) : JSON.stringify(current))
    current = current instanceof Error ? current.cause : undefined
  }
  return parts.join('\ncaused by: ')
}

/** Our own bug as people see it: a short message and where the rest stands. */
export function bugReport(error: RepriseError, log: string | undefined): RepriseError {
  const where = log === undefined ? 'Run it again with --verbose to see the stack trace.' : `The details are in ${log}.`
  return new RepriseError({
    kind: 'bug',
    code: error.code,
    message: `This is a bug in reprise: ${error.message}`,
    suggestions: [...error.suggestions, where],
    cause: error.cause ?? error,
  })
}
