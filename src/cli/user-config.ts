import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {RepriseError} from '../base/errors.js'

/** The user's `config.json`: keys are the long names of flags. */
export interface UserConfig {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
}

/**
 * Reads `config.json` in the user's own configuration directory; never anything in a project, since a cloned repository must
 * not say where transcripts go. A missing file is an empty one.
 *
 * @throws CONFIG_INVALID (usage) when the file is no JSON object or holds a key that is not in `known`.
 */
export async function readUserConfig(directory: string, known: ReadonlySet<string>): Promise<UserConfig> {
  const path = join(directory, 'config.json')
  const text = await readIfThere(path)
  const values = text === undefined ? {} : parseObject(text, path)
  const unknown = Object.keys(values).find((key) => !known.has(key))
  if (unknown !== undefined) {
    throw invalid(
      path,
      `${JSON.stringify(unknown)} is no setting.`,
      `Settings are: ${[...known].toSorted().join(', ')}.`,
    )
  }
  return {path, values}
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new RepriseError({
      kind: 'permission',
      code: 'CONFIG_UNREADABLE',
      message: `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      suggestions: ['Make the file readable for you, or remove it.'],
      cause: error,
    })
  }
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw invalid(path, `no JSON: ${error instanceof Error ? error.message : String(error)}`, 'Correct the file.')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalid(path, 'no JSON object.', 'Write {"store": "s3://bucket/prefix"}, for example.')
}

function invalid(path: string, what: string, suggestion: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'CONFIG_INVALID',
    message: `${path}: ${what}`,
    suggestions: [suggestion],
  })
}
