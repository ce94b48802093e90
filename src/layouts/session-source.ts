import type {ListedSession} from '../sync/list-sessions.js'

/** One file of a session, as the bytes that its agent wrote. */
export interface SourceTranscript {
  /**
   * - `ancestor`: of a fork in Codex, the beginning that it shares with another session, oldest first;
   * - `main`: the session's own;
   * - `subagent`: of a subagent of Claude.
   */
  readonly kind: 'ancestor' | 'main' | 'subagent'
  /** Of a subagent: `subagents/…/agent-<id>`. */
  readonly subpath?: string
  /** The session whose file it is. */
  readonly sessionId: string
  /** The stream of its lines, decompressed; may be opened more than once. */
  open(): AsyncIterable<Uint8Array>
}

/** Where sessions are read from, whoever wrote them and in whatever layout. */
export interface SessionSource {
  /** For people: the store's URL, or a directory. */
  readonly url: string
  readonly layout: 'reprise' | 'raw' | 'claude-dir' | 'local'
  /** What a listing shows, by keys and small reads. */
  rows(): Promise<readonly ListedSession[]>
  /** Keys whose names could lead elsewhere, or rewrite a screen: nothing of them is read. */
  leftOut(): Promise<readonly string[]>
  /**
   * The transcripts of one of its rows, ancestors first, then main, then subagents.
   *
   * @throws SESSION_NOT_FOUND, ANCESTOR_MISSING
   */
  transcripts(row: ListedSession): Promise<readonly SourceTranscript[]>
}
