import {readFile, stat} from 'node:fs/promises'
import {resolve} from 'node:path'
import {parseObject} from '../transcript/entry-identity.js'
import {type ClaudeFlag, readFlags} from './claude-arguments.js'

export type ClaudeSettings = Readonly<Record<string, unknown>>

const LONGEST_SETTINGS = 4 * 1024 * 1024

/** The last `--settings` among the arguments: the one that claude takes. */
export function settingsFlag(args: readonly string[]): ClaudeFlag | undefined {
  return [...readFlags(args)].findLast(({name}) => name === '--settings')
}

/**
 * What `--settings` names: JSON in the argument itself, or a file.
 *
 * @param cwd where a relative path begins.
 * @returns undefined when it is no JSON object that can be read here: claude then says what it thinks of it.
 */
export async function readSettings(value: string, cwd: string): Promise<ClaudeSettings | undefined> {
  const text = value.trim()
  if (text.startsWith('{') && text.endsWith('}')) return parseObject(Buffer.from(text))
  try {
    const path = resolve(cwd, value)
    const {size} = await stat(path)
    return size > LONGEST_SETTINGS ? undefined : parseObject(await readFile(path))
  } catch {
    return undefined
  }
}

/** @returns undefined when the hooks that are there are not of the known shape. */
export function addSessionStartHook(settings: ClaudeSettings, hook: object): ClaudeSettings | undefined {
  const hooks = settings['hooks'] ?? {}
  if (typeof hooks !== 'object' || Array.isArray(hooks)) return undefined
  const starts: unknown = 'SessionStart' in hooks ? hooks.SessionStart : []
  if (!Array.isArray(starts)) return undefined
  return {...settings, hooks: {...hooks, SessionStart: [...(starts as unknown[]), hook]}}
}
