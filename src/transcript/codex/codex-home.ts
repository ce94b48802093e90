import {join, resolve} from 'node:path'
import type {ConfigDirSource} from '../config-dir.js'

/** Where Codex keeps its state: `CODEX_HOME` when it is set and not empty, else `~/.codex`. Absolute. */
export function codexHomeOf({env, home}: ConfigDirSource): string {
  return resolve(env['CODEX_HOME'] || join(home, '.codex'))
}

/** Below the home: rollouts by day, and those that were archived, flat. */
export const ROLLOUT_DIRECTORIES = ['sessions', 'archived_sessions'] as const

/** Below the home: names that people gave to sessions, one a line, the last one counts. */
export const SESSION_INDEX = 'session_index.jsonl'
