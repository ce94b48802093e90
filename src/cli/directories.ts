import {homedir, tmpdir} from 'node:os'
import {join} from 'node:path'
import type {Environment} from './environment.js'

/** Where reprise keeps what is its own, all absolute. */
export interface Directories {
  readonly home: string
  /** `config.json`. */
  readonly config: string
  /** The default store. */
  readonly data: string
  readonly cache: string
  /** What may be deleted at the price of work done again: what earlier runs found out, the error log. */
  readonly state: string
}

const NAME = 'reprise'

/** Where oclif has them (`REPRISE_*_DIR`, XDG, what is usual on macOS and Windows); the state directory is XDG's too. */
export function ownDirectories(env: Environment, platform = process.platform): Directories {
  const home = homeOf(env, platform)
  const base = (variable: string, usual: string): string =>
    env[variable] || (platform === 'win32' && env['LOCALAPPDATA']) || join(home, usual)
  const caches = platform === 'darwin' ? join(home, 'Library', 'Caches') : base('XDG_CACHE_HOME', '.cache')
  return {
    home,
    config: env['REPRISE_CONFIG_DIR'] || join(base('XDG_CONFIG_HOME', '.config'), NAME),
    data: env['REPRISE_DATA_DIR'] || join(base('XDG_DATA_HOME', '.local/share'), NAME),
    cache: env['REPRISE_CACHE_DIR'] || join(caches, NAME),
    state: join(env['XDG_STATE_HOME'] || join(home, '.local', 'state'), NAME),
  }
}

function homeOf(env: Environment, platform: NodeJS.Platform): string {
  const {HOME, HOMEDRIVE, HOMEPATH, USERPROFILE} = env
  const windows = HOMEDRIVE && HOMEPATH ? join(HOMEDRIVE, HOMEPATH) : USERPROFILE
  return HOME || (platform === 'win32' && windows) || homedir() || tmpdir()
}
