import {stripVTControlCharacters} from 'node:util'
import {RepriseError} from '../base/errors.js'
import {nearest} from './suggest.js'

/** What oclif puts on the errors that its parser throws. */
interface OclifError extends Error {
  readonly oclif?: {readonly exit?: number}
  readonly code?: string
  /** Of a command line that lacks some. */
  readonly args?: readonly {readonly name?: string}[]
}

/** The part of oclif's configuration that a next step needs. */
interface CommandNames {
  readonly bin: string
  readonly commandIDs: readonly string[]
}

/**
 * What oclif threw, as one of ours; undefined when it is none of oclif's. Its own texts carry lists, colours and "See more
 * help": the first line says it all, the next step is a suggestion.
 */
export function fromOclif(error: unknown, argv: readonly string[], config: CommandNames): RepriseError | undefined {
  if (!isOclifError(error)) return undefined
  return new RepriseError({
    kind: 'usage',
    code: CODES[error.constructor.name] ?? 'USAGE',
    message: missingArgs(error) ?? oneLine(error.message),
    suggestions: [`See ${config.bin} ${commandOf(argv, config)}--help.`],
    cause: error,
  })
}

/** oclif's "command not found", with the name that was most likely meant. */
export function unknownCommand(error: unknown, config: CommandNames): RepriseError | undefined {
  const id = isOclifError(error) ? /^command (?<id>.+) not found$/u.exec(error.message)?.groups?.['id'] : undefined
  if (id === undefined) return undefined
  const name = id.replaceAll(':', ' ')
  const meant = nearest(id, config.commandIDs)?.replaceAll(':', ' ')
  return new RepriseError({
    kind: 'usage',
    code: 'COMMAND_UNKNOWN',
    message: `There is no command ${JSON.stringify(name)}.`,
    suggestions: [
      ...(meant === undefined ? [] : [`Did you mean ${config.bin} ${meant}?`]),
      `See ${config.bin} --help.`,
    ],
    cause: error,
  })
}

/** The longest command that `argv` begins with, followed by a space. */
function commandOf(argv: readonly string[], config: CommandNames): string {
  const id = [2, 1].map((words) => argv.slice(0, words).join(':')).find((words) => config.commandIDs.includes(words))
  return id === undefined ? '' : `${id.replaceAll(':', ' ')} `
}

/** `--help` and `this.exit(0)` come as an exception too. @returns undefined when it is none. */
export function exitRequested(error: unknown): number | undefined {
  if (!isOclifError(error) || error.code !== 'EEXIT') return undefined
  return error.oclif?.exit ?? 0
}

function isOclifError(error: unknown): error is OclifError {
  return error instanceof Error && 'oclif' in error
}

const CODES: Readonly<Record<string, string>> = {
  NonExistentFlagsError: 'FLAG_UNKNOWN',
  UnexpectedArgsError: 'ARGUMENT_UNEXPECTED',
  RequiredArgsError: 'ARGUMENT_MISSING',
  FlagInvalidOptionError: 'FLAG_INVALID',
  ArgInvalidOptionError: 'ARGUMENT_INVALID',
  FailedFlagValidationError: 'FLAG_INVALID',
  ViolatedFlagConstraintError: 'FLAG_INVALID',
}

function missingArgs({args = [], constructor}: OclifError): string | undefined {
  const names = args.flatMap(({name}) => (name === undefined ? [] : [`<${name}>`]))
  return constructor.name === 'RequiredArgsError' && names.length > 0 ? `Missing ${names.join(' and ')}.` : undefined
}

/** Flags that exclude each other are told of once for each of them. */
function oneLine(message: string): string {
  const [, reason] = /^The following errors? occurred:\s+([^\n]+)/u.exec(stripVTControlCharacters(message)) ?? []
  if (reason !== undefined) return `${reason.replace(/^(--[\w-]+)=true /u, '$1 ')}.`
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('See more help') && !line.startsWith('Alternatively,'))
    .join(' ')
}
