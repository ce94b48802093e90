import {isCut} from './limits.js'
import type {Conversation, Excerpt, Item, ToolCall} from './model.js'

/** One message of a conversation, as programs read it. */
export interface Message {
  readonly role: 'user' | 'assistant'
  /** What was said in words; empty where a message holds tool calls or thinking alone. */
  readonly content: string
  /** ISO 8601 in UTC. */
  readonly timestamp?: string
  readonly sessionId: string
  /** Of the assistant: its answer's id, else the key of the message's first item. */
  readonly id: string
  readonly model?: string
  readonly thinking?: string
  readonly toolCalls?: readonly MessageToolCall[]
  /** Texts were cut. */
  readonly isCut?: true
}

export interface MessageToolCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
  /** Absent while the tool runs, or where it was interrupted. */
  readonly result?: {readonly content: string; readonly isError: boolean}
}

/** Prompts and answers of the shown branch, in order; each answer of the model is one, in however many entries it was written. */
export function messagesOf({sessionId, turns}: Conversation): readonly Message[] {
  const messages: Message[][] = []
  for (const item of turns.flatMap(({items}) => items)) {
    const piece = messageOf(item, sessionId)
    const last = messages.at(-1)
    if (piece?.role === 'assistant' && last?.[0]?.id === piece.id) last.push(piece)
    else if (piece) messages.push([piece])
  }
  return messages.flatMap(joined)
}

/** What an item alone gives to a message; undefined for what is no part of one. */
export function messageOf(item: Item, sessionId: string): Message | undefined {
  const {key, time} = item
  const base = {...(time !== undefined && {timestamp: time}), sessionId}
  switch (item.kind) {
    case 'prompt':
      return {role: 'user', content: item.text.text, ...base, id: key, ...cutMark(item.text)}
    case 'failure':
      return {role: 'assistant', content: item.text.text, ...base, id: key, ...cutMark(item.text)}
    case 'said':
    case 'thinking':
    case 'tool': {
      const {messageId = key, model} = item
      const answer = {
        role: 'assistant',
        content: '',
        ...base,
        id: messageId,
        ...(model !== undefined && {model}),
      } as const
      if (item.kind === 'said') return {...answer, content: item.text.text, ...cutMark(item.text)}
      if (item.kind === 'tool') return {...answer, toolCalls: [callOf(item)], ...(isCallCut(item) && {isCut: true})}
      return item.text.length === 0 ? undefined : {...answer, thinking: item.text.text, ...cutMark(item.text)}
    }
    case 'command':
    case 'interruption':
    case 'note':
    case 'attachment':
    case 'boundary':
      return undefined
  }
}

function callOf({id, name, input, result}: ToolCall): MessageToolCall {
  const {content, isError} = result ?? {}
  return {id, name, input, ...(content && {result: {content: content.text, isError: isError ?? false}})}
}

function isCallCut({inputIsCut, result}: ToolCall): boolean {
  return inputIsCut || (result !== undefined && isCut(result.content))
}

function joined(pieces: readonly Message[]): readonly Message[] {
  const [first, ...more] = pieces
  if (!first || more.length === 0) return pieces
  const content = pieces.map((each) => each.content).filter((each) => each !== '')
  const thinking = pieces.flatMap((each) => each.thinking ?? [])
  const toolCalls = pieces.flatMap((each) => each.toolCalls ?? [])
  return [
    {
      ...first,
      content: content.join('\n'),
      ...(thinking.length > 0 && {thinking: thinking.join('\n')}),
      ...(toolCalls.length > 0 && {toolCalls}),
      ...(pieces.some((each) => each.isCut) && {isCut: true}),
    },
  ]
}

function cutMark(text: Excerpt): {isCut?: true} {
  return isCut(text) ? {isCut: true} : {}
}
