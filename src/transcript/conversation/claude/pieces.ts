import type {
  Attachment,
  Boundary,
  Command,
  EntryPlace,
  Excerpt,
  Failure,
  Hunk,
  Interruption,
  Media,
  Note,
  Prompt,
  Said,
  Thinking,
  ToolCall,
} from '../model.js'

/** A tool call as its entry has it: its result, what it changed and whom it started stand in others. */
export type CallPiece = Omit<ToolCall, 'result' | 'changes' | 'subagents'>

/** A tool's result, to be put to its call. */
export interface ResultPiece {
  readonly kind: 'result'
  readonly key: string
  readonly place: EntryPlace
  readonly time?: string
  readonly callId: string
  readonly content: Excerpt
  readonly media: readonly Media[]
  readonly isError: boolean
  readonly file?: {readonly path: string; readonly bytes: number}
  /** As claude worked them out when it changed the file. */
  readonly patch?: {readonly hunks: readonly Hunk[]; readonly linesLeftOut: number}
  /** Of the subagent that the call started. */
  readonly agentId?: string
}

/** What a command printed, to be put to the command. */
export interface OutputPiece {
  readonly kind: 'output'
  readonly key: string
  readonly place: EntryPlace
  readonly time?: string
  readonly text: Excerpt
}

/** What replaced the messages before a boundary, to be put to the boundary. */
export interface SummaryPiece {
  readonly kind: 'summary'
  readonly key: string
  readonly place: EntryPlace
  readonly time?: string
  readonly text: Excerpt
}

/** What one entry gives to a conversation. */
export type Piece =
  | Prompt
  | Command
  | Said
  | Thinking
  | CallPiece
  | Failure
  | Interruption
  | Note
  | Attachment
  | Boundary
  | ResultPiece
  | OutputPiece
  | SummaryPiece
