import type {ObjectSummary} from '../object-store/object-store.js'
import type {ForeignLayout} from './layout.js'

/** Everything of one session in a layout of whole files, by keys alone. */
export interface ForeignSession {
  readonly layout: ForeignLayout
  readonly agent: 'claude' | 'codex'
  readonly sessionId: string
  /** Claude's key of the cwd; Codex has none. */
  readonly projectKey: string
  readonly machine?: string
  readonly user?: string
  /** Names the main transcript, for people and as SESSION. */
  readonly uri: string
  readonly main: ObjectSummary
  readonly subagents: readonly ForeignSubagent[]
  readonly toolResults: readonly NamedObject[]
  /** Of Codex. */
  readonly rollout?: {readonly name: string; readonly compressed: boolean; readonly archived: boolean}
  /** As a person called it, where that stands beside the transcripts. */
  readonly name?: string
}

export interface ForeignSubagent {
  readonly subpath: string
  readonly transcript: ObjectSummary
  readonly meta?: ObjectSummary
}

export interface NamedObject extends ObjectSummary {
  /** The path below the directory of its kind, with `/`. */
  readonly name: string
}
