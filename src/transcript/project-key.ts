import {realpath} from 'node:fs/promises'
import {resolve} from 'node:path'

const longestPlainKey = 200

/**
 * Claude's directory name for a real path: every UTF-16 code unit outside `[A-Za-z0-9]` becomes `-`, and what is longer
 * than 200 units is cut there and told apart by a hash of the whole path. Pure; the path is taken as it is given.
 */
export function projectKeyOf(path: string): string {
  const key = path.replaceAll(/[^A-Za-z0-9]/g, '-')
  return key.length <= longestPlainKey ? key : `${key.slice(0, longestPlainKey)}-${pathHash(path)}`
}

function pathHash(path: string): string {
  let hash = 0
  for (let at = 0; at < path.length; at += 1) hash = (Math.imul(hash, 31) + path.charCodeAt(at)) | 0
  return Math.abs(hash).toString(36)
}

export interface ProjectKeySettings {
  /** Whether `CLAUDE_CONFIG_DIR` is set: Claude heeds the next one only then. */
  readonly configDirSet?: boolean | undefined
  /** The value of `CLAUDE_CODE_PROJECT_DIR_NAME`; one that Claude would not accept counts as not set. */
  readonly projectDirName?: string | undefined
}

/** The key under which Claude looks for sessions when it is started in `cwd`. A `cwd` that is gone is taken as written. */
export async function projectKeyFor(cwd: string, settings: ProjectKeySettings = {}): Promise<string> {
  const {configDirSet, projectDirName} = settings
  if (configDirSet && projectDirName !== undefined && /^[A-Za-z0-9_-]{1,64}$/.test(projectDirName))
    return projectDirName
  return projectKeyOf(await realpath(cwd).catch(() => resolve(cwd)))
}
