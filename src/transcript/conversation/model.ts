import type {UsageLedger} from './usage.js'

/**
 * What was said in a session, as plain data: the same for every agent and every place that it was read from. Texts are as they were
 * written, by anybody: clean them before they are printed.
 */
export interface Conversation extends TranscriptName {
  /** Which agent wrote the transcript. */
  readonly agent: string
  /** Of a subagent: what the call that started it, or its own metadata, says of it. */
  readonly subagent?: SubagentFacts
  readonly title?: string
  readonly cwd?: string
  readonly gitBranch?: string
  readonly agentVersion?: string
  /** ISO 8601 in UTC, of the earliest and the latest entry. */
  readonly startedAt?: string
  readonly endedAt?: string
  /** The branch that the agent would go on with, in order. */
  readonly turns: readonly Turn[]
  /** What was left: rewound, or written by a second process. In the order in which it began. */
  readonly beside: readonly Branch[]
  /** Subagents that no call here is known to have started. The others hang below their calls. */
  readonly subagents: readonly Conversation[]
  /** Tokens that the last answer's request held: input, and what the cache gave and took. */
  readonly contextTokens?: number
  /** Of this transcript alone, what was left included. `totalsOf` adds the subagents' and those of other sessions. */
  readonly usage: UsageLedger
  /** What the transcript says it has cost; empty where it says nothing. */
  readonly costs: readonly RecordedCost[]
  readonly lines: LineCounts
}

/** Which transcript of which session: `subpath` of a subagent's, absent for the main one. */
export interface TranscriptName {
  readonly sessionId: string
  readonly subpath?: string
}

export interface SubagentFacts {
  readonly agentId?: string
  readonly type?: string
  readonly description?: string
  /** The id of the call that started it. */
  readonly toolCallId?: string
}

export interface LineCounts {
  /** Lines that are entries, bookkeeping included. */
  readonly entries: number
  /** Lines that are no JSON object. */
  readonly unreadable: number
  /** Lines too long to be looked into. */
  readonly tooLong: number
}

/** As the agent estimates it. A session that goes on in another file takes its sum along: of equal `since` the highest counts. */
export interface RecordedCost {
  /** What the sum began with: equal for all that continue one another. */
  readonly since: string
  readonly usd: number
  /** Some model's price was not known to the agent. */
  readonly atLeast: boolean
}

/** From one prompt (or command) to the next. The first one may begin with something else. */
export interface Turn {
  /** From 1 on. */
  readonly number: number
  readonly items: readonly Item[]
}

/** Entries that the conversation's own branch does not go through. */
export interface Branch {
  /** Key of the last item that both have; absent where it begins anew. */
  readonly after?: string
  readonly turns: readonly Turn[]
}

/** The beginning of a text, or all of it. */
export interface Excerpt {
  readonly text: string
  /** Of the whole text, in UTF-16 code units. More than `text` has: it is cut. */
  readonly length: number
  /** Of the whole text. */
  readonly lines: number
}

/** Where an entry stands: `read` of its source from `offset` on gives the line again, for what an excerpt left out. */
export interface EntryPlace {
  readonly transcript: TranscriptName
  /** In bytes. */
  readonly offset: number
  readonly length: number
}

interface ItemBase {
  /** Unique within the conversation, and the same when it is read again: the entry's uuid and a number. */
  readonly key: string
  readonly place: EntryPlace
  /** ISO 8601 in UTC. */
  readonly time?: string
}

/** What the model said belongs to one of its answers. */
interface AnswerItem extends ItemBase {
  readonly messageId?: string
  readonly model?: string
}

/** Something that is not text: told of, not kept. */
export interface Media {
  /** `image`, `document`, … */
  readonly type: string
  readonly mediaType?: string
  readonly bytes: number
}

/** What a person said, or the program that drives the agent; in a subagent its task. */
export interface Prompt extends ItemBase {
  readonly kind: 'prompt'
  readonly text: Excerpt
  readonly media: readonly Media[]
}

/** A slash command, or a `!` line of shell, and what it printed. */
export interface Command extends ItemBase {
  readonly kind: 'command'
  readonly name: string
  readonly args: Excerpt
  readonly output?: Excerpt
}

export interface Said extends AnswerItem {
  readonly kind: 'said'
  readonly text: Excerpt
}

export interface Thinking extends AnswerItem {
  readonly kind: 'thinking'
  /** Empty where it was kept from the transcript. */
  readonly text: Excerpt
}

export interface ToolCall extends AnswerItem {
  readonly kind: 'tool'
  readonly id: string
  /** Empty for a result whose call is not there. */
  readonly name: string
  /** JSON of bounded depth; long texts in it are cut. */
  readonly input: unknown
  readonly inputIsCut: boolean
  /** Absent while the tool runs, or where it was interrupted. */
  readonly result?: ToolResult
  /** What it did to files, where that is told. */
  readonly changes: readonly FileChange[]
  readonly subagents: readonly Conversation[]
}

export interface ToolResult {
  readonly place: EntryPlace
  readonly time?: string
  readonly content: Excerpt
  readonly media: readonly Media[]
  readonly isError: boolean
  /** The whole output lies in a file of its own: its path where it was written. */
  readonly file?: {readonly path: string; readonly bytes: number}
}

export interface FileChange {
  readonly path: string
  readonly hunks: readonly Hunk[]
  /** Lines that were left out of the hunks. */
  readonly linesLeftOut: number
}

export interface Hunk {
  /** First lines, from 1 on; 0 where they are not known. */
  readonly oldStart: number
  readonly newStart: number
  /** Each with ` `, `-` or `+` before it. */
  readonly lines: readonly string[]
}

/** A request to the model, or the agent itself, failed. */
export interface Failure extends ItemBase {
  readonly kind: 'failure'
  readonly text: Excerpt
  /** Of HTTP. */
  readonly status?: number
}

export interface Interruption extends ItemBase {
  readonly kind: 'interruption'
  readonly text: Excerpt
}

/** What the agent told itself or the user: hooks, notifications, reminders, kinds of entries that are not known. */
export interface Note extends ItemBase {
  readonly kind: 'note'
  readonly about: string
  readonly text: Excerpt
  /** Not meant for the user. */
  readonly internal: boolean
}

/** A file or a selection that went along with a prompt. */
export interface Attachment extends ItemBase {
  readonly kind: 'attachment'
  readonly type: string
  readonly name: Excerpt
  readonly internal: boolean
}

/** Here what was said before was replaced by a summary, for the model; it is shown all the same. */
export interface Boundary extends ItemBase {
  readonly kind: 'boundary'
  /** `manual`, `auto`. */
  readonly trigger?: string
  readonly tokensBefore?: number
  readonly tokensAfter?: number
  readonly summary?: Excerpt
}

export type Item = Prompt | Command | Said | Thinking | ToolCall | Failure | Interruption | Note | Attachment | Boundary
