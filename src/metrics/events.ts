/** A transcript as events name it: the session's main one, or the one below it at `subpath` (an empty one is none). */
export interface EventTranscript {
  readonly projectKey: string
  readonly sessionId: string
  readonly subpath?: string
}

/** One part is durable. */
export interface AppendEvent extends EventTranscript {
  readonly type: 'append'
  readonly bytes: number
  readonly entries: number
  /** Calls that this part serves. */
  readonly appends: number
  /** Parts of the transcript, as far as this process knows them. */
  readonly parts: number
  /** The write of the part, its retries included. */
  readonly putMs: number
  /** From the oldest of its calls, waiting for earlier parts included, until it was durable. */
  readonly latencyMs: number
  /** From the local write of its oldest entry until it was durable. Absent where nobody knows when that was. */
  readonly lagMs?: number
}

/** One request to the store failed and is made again. */
export interface RetryEvent {
  readonly type: 'retry'
  /** `put`, `get`, `list`, … */
  readonly operation: string
  /** A listing's prefix; the first key of a delete. */
  readonly key: string
  /** The try that failed, from 1. */
  readonly attempt: number
  /** The failure's stable code. */
  readonly code: string
  /** The pause before the next try. */
  readonly delayMs: number
}

/** A part could not be stored, after all retries. Whoever appended it may try again: then the same entries fail once more, or are appended. */
export interface FailEvent extends EventTranscript {
  readonly type: 'fail'
  /** The failure's stable code. */
  readonly code: string
  readonly message: string
  /** Of the part, as far as it was known when it failed. */
  readonly bytes: number
  readonly entries: number
  /** Calls that were rejected with it. */
  readonly appends: number
}

/** Somebody waited for everything to be durable. */
export interface FlushEvent {
  readonly type: 'flush'
  readonly durationMs: number
  /** What was waiting when it began, as far as that was known. */
  readonly pendingBytes: number
  readonly pendingEntries: number
  /** Nothing was waiting any more when it ended. */
  readonly complete: boolean
}

/** What a mirror tells of its work. Times are in milliseconds by this machine's clock; no event holds content of a transcript. */
export type MirrorEvent = AppendEvent | RetryEvent | FailEvent | FlushEvent
