/** The shapes that the Agent SDK's `SessionStore` speaks in, as its declarations give them: structural, so that no import is needed. */

/** One transcript: a session's main one, or a subagent's when `subpath` is given (`subagents/…/agent-<id>`). */
export interface SessionKey {
  readonly projectKey: string
  readonly sessionId: string
  readonly subpath?: string
}

/** One line of a transcript as a JSON value. */
export interface SessionEntry {
  type: string
  uuid?: string
  timestamp?: string
  [name: string]: unknown
}

/** A session in a listing. */
export interface SessionListItem {
  readonly sessionId: string
  /** Whole milliseconds since the epoch. */
  readonly mtime: number
}

/** `data` belongs to the SDK: it is kept as it is and never looked into. */
export interface SummaryItem extends SessionListItem {
  readonly data: Record<string, unknown>
}

/** The SDK's `foldSessionSummary`. */
export type FoldSummary = (
  before: SummaryItem | undefined,
  key: SessionKey,
  entries: SessionEntry[],
  options?: {mtime?: number},
) => SummaryItem
