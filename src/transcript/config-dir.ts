import {join, resolve} from 'node:path'

export interface ConfigDirSource {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}

/** Where Claude keeps its state: `CLAUDE_CONFIG_DIR` when it is set and not empty, else `~/.claude`. Absolute. */
export function claudeConfigDir({env, home}: ConfigDirSource): string {
  return resolve(env['CLAUDE_CONFIG_DIR'] || join(home, '.claude'))
}

export function projectsDir(configDir: string): string {
  return join(configDir, 'projects')
}

export function projectDir(configDir: string, projectKey: string): string {
  return join(projectsDir(configDir), projectKey)
}

export function transcriptPath(configDir: string, projectKey: string, sessionId: string): string {
  return join(projectDir(configDir, projectKey), `${sessionId}.jsonl`)
}

/** The directory of a session's subagent transcripts and tool results. */
export function sessionDir(configDir: string, projectKey: string, sessionId: string): string {
  return join(projectDir(configDir, projectKey), sessionId)
}

export function fileHistoryDir(configDir: string, sessionId: string): string {
  return join(configDir, 'file-history', sessionId)
}

/** The directory of `<pid>.json`, one for each process of Claude that runs on this machine. */
export function liveProcessesDir(configDir: string): string {
  return join(configDir, 'sessions')
}

/**
 * Where the Claude of a user keeps what is temporary, outputs of tools among it. Absolute.
 *
 * @param options.temp the system's directory for temporary files.
 */
export function claudeTempDir({env, temp, uid}: {env: ConfigDirSource['env']; temp: string; uid: number}): string {
  return resolve(env['CLAUDE_CODE_TMPDIR'] || temp, `claude-${uid}`)
}
