export interface MessagesRequest {
  readonly model: string
  readonly stream?: boolean
  readonly system?: unknown
  readonly tools?: readonly {readonly name: string}[]
  readonly messages: readonly {readonly role: 'user' | 'assistant'; readonly content: unknown}[]
}

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  /** The parsed JSON body; undefined when there was none. */
  readonly body: MessagesRequest | undefined
}

export interface ModelServer {
  /** For `ANTHROPIC_BASE_URL`. */
  readonly url: string
  /** Everything that was asked, in order of arrival; it grows while the server runs. */
  readonly requests: readonly RecordedRequest[]
  /** What was typed in each conversation that the model received, one list a request. */
  prompts(): string[][]
  /** Resolves when the last prompt of some request has this text in it. */
  untilAsked(text: string, timeoutMs?: number): Promise<void>
  /** Lets every `hold:` step that waits go on. */
  release(): void
  close(): Promise<void>
}

/** The prompts of a conversation, without tool results and claude's own reminders. */
export function promptsOf(body: MessagesRequest): string[]

/** @param options.port 0 (the default) takes a free one. */
export function startModelServer(options?: {readonly port?: number}): Promise<ModelServer>
