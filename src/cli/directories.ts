import {join} from 'node:path'
import type {Environment} from './environment.js'

/** Where reprise keeps what is its own, all absolute. */
export interface Directories {
  /** `config.json`. */
  readonly config: string
  /** The default store. */
  readonly data: string
  readonly cache: string
  /** What may be deleted at the price of work done again: what earlier runs found out, the error log. */
  readonly state: string
}

/** oclif knows three of them (XDG, and what is usual on macOS); the state directory is XDG's too. */
export function ownDirectories(
  oclif: {
    readonly configDir: string
    readonly dataDir: string
    readonly cacheDir: string
    readonly dirname: string
    readonly home: string
  },
  env: Environment,
): Directories {
  const states = env['XDG_STATE_HOME'] || join(oclif.home, '.local', 'state')
  return {config: oclif.configDir, data: oclif.dataDir, cache: oclif.cacheDir, state: join(states, oclif.dirname)}
}
