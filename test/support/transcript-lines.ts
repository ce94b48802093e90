import {readLines} from '../../src/transcript/lines.js'
import {assembleConversation} from '../../src/transcript/conversation/claude/assemble.js'
import {ClaudeTranscript} from '../../src/transcript/conversation/claude/transcript.js'
import {type Limits, PREVIEW} from '../../src/transcript/conversation/limits.js'
import type {Conversation, Item} from '../../src/transcript/conversation/model.js'

type Entry = Record<string, unknown>

/** Writes entries as claude does: each after the one before, at one second's distance, unless told otherwise. */
export class TranscriptLines {
  readonly entries: Entry[] = []
  #last: string | null = null
  #serial = 0
  readonly sessionId: string

  constructor(sessionId = '11111111-2222-4333-8444-555555555555') {
    this.sessionId = sessionId
  }

  /** The uuid of the last entry. */
  get last(): string | null {
    return this.#last
  }

  /** From here on what is added comes after this entry. */
  goOnFrom(uuid: string | null): this {
    this.#last = uuid
    return this
  }

  add(entry: Entry): this {
    const uuid = uuidOf(++this.#serial)
    const time = new Date(Date.UTC(2026, 10, 21, 12, 0, this.#serial)).toISOString()
    const common = {parentUuid: this.#last, isSidechain: false, sessionId: this.sessionId, timestamp: time}
    this.entries.push({...common, uuid, ...entry})
    this.#last = typeof entry['uuid'] === 'string' ? entry['uuid'] : uuid
    return this
  }

  /** An entry without a uuid: bookkeeping. */
  note(entry: Entry): this {
    this.entries.push(entry)
    return this
  }

  prompt(text: unknown, more: Entry = {}): this {
    return this.add({type: 'user', message: {role: 'user', content: text}, ...more})
  }

  answer(id: string, block: Entry, more: Entry = {}): this {
    const usage = {input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 1}
    const message = {id, role: 'assistant', model: 'claude-test-1', content: [block], usage}
    return this.add({type: 'assistant', message, ...more})
  }

  say(id: string, text: string): this {
    return this.answer(id, {type: 'text', text})
  }

  call(id: string, callId: string, name: string, input: unknown): this {
    return this.answer(id, {type: 'tool_use', id: callId, name, input})
  }

  result(callId: string, content: unknown, more: Entry = {}, isError = false): this {
    const block = {type: 'tool_result', tool_use_id: callId, content, ...(isError && {is_error: true})}
    return this.add({type: 'user', message: {role: 'user', content: [block]}, ...more})
  }

  text(): string {
    return linesText(this.entries)
  }
}

export function linesText(entries: readonly unknown[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
}

export function uuidOf(serial: number): string {
  return `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`
}

export async function transcriptOfText(
  text: string | Uint8Array,
  limits: Limits = PREVIEW,
  name = {sessionId: '11111111-2222-4333-8444-555555555555'} as {sessionId: string; subpath?: string},
): Promise<ClaudeTranscript> {
  const transcript = new ClaudeTranscript(name, limits)
  for await (const line of readLines([Buffer.from(text)], {onTooLong: 'report'})) transcript.push(line)
  return transcript
}

export async function conversationOf(text: string | Uint8Array, limits: Limits = PREVIEW): Promise<Conversation> {
  return assembleConversation(await transcriptOfText(text, limits), [])
}

/** One word or two for each item that is shown: what a test of structure compares. */
export function outline({turns}: Pick<Conversation, 'turns'>): readonly (readonly string[])[] {
  return turns.map(({items}) => items.map(wordsOf).filter((words) => words !== ''))
}

function wordsOf(item: Item): string {
  switch (item.kind) {
    case 'prompt':
    case 'said':
    case 'thinking':
    case 'failure':
    case 'interruption':
      return `${item.kind} ${item.text.text}`
    case 'command':
      return `command ${item.name} ${item.args.text}`.trim()
    case 'tool':
      return `tool ${item.name} -> ${item.result?.content.text ?? 'nothing'}`
    case 'note':
      return item.internal ? '' : `note ${item.about}: ${item.text.text}`
    case 'attachment':
      return item.internal ? '' : `attachment ${item.name.text}`
    case 'boundary':
      return `boundary ${item.trigger ?? ''}`.trim()
  }
}
