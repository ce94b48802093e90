import {RepriseError} from '../base/errors.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** What matters of an oclif flag here. */
export interface FlagShape {
  readonly type: 'boolean' | 'option'
  readonly env?: string | undefined
  readonly multiple?: boolean | undefined
  readonly options?: readonly string[] | undefined
}

/** Where a flag's value came from, as errors name it: `--timeout` or `REPRISE_TIMEOUT`. Absent where nobody gave one. */
export type FlagSources = ReadonlyMap<string, string>

const TRUE = new Set(['1', 'true', 'yes', 'y', 'on'])
const FALSE = new Set(['0', 'false', 'no', 'n', 'off'])

/**
 * Reads a variable that stands for a flag without a value. An empty one counts as not set.
 * @throws ENVIRONMENT_INVALID (usage): a misspelt `ture` must not silently mean no.
 */
export function readSwitch(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined || value === '') return undefined
  const word = value.toLowerCase()
  if (TRUE.has(word)) return true
  if (FALSE.has(word)) return false
  throw new RepriseError({
    kind: 'usage',
    code: 'ENVIRONMENT_INVALID',
    message: `${name}: ${JSON.stringify(value)} is neither yes nor no.`,
    suggestions: [`Set ${name} to 1 or 0, or unset it.`],
  })
}

/**
 * The value that the environment gives a flag, in the type that the flag has on the command line. oclif's own reading gives
 * a bare string for a flag that may be repeated and takes any unknown word for no.
 */
export function readFlagVariable(flag: FlagShape, env: Environment): unknown {
  const name = flag.env
  const value = name === undefined ? undefined : env[name]
  if (name === undefined || value === undefined || value === '') return undefined
  if (flag.type === 'boolean') return readSwitch(name, value)
  const values = flag.multiple
    ? value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : [value]
  for (const item of values) assertOption(name, item, flag.options)
  return flag.multiple ? values : value
}

function assertOption(name: string, value: string, options: readonly string[] | undefined): void {
  if (options === undefined || options.includes(value)) return
  throw new RepriseError({
    kind: 'usage',
    code: 'ENVIRONMENT_INVALID',
    message: `${name}: ${JSON.stringify(value)} is none of ${options.join(', ')}.`,
    suggestions: [`Set ${name} to one of them, or unset it.`],
  })
}
