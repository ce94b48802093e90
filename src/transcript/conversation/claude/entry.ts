import {excerpt, type Limits} from '../limits.js'
import type {EntryPlace, Excerpt, Media} from '../model.js'
import {objectField} from '../../summary-fields.js'

export type Fields = Readonly<Record<string, unknown>>

/** One entry, and what all that is made of it has in common. */
export interface EntryContext {
  readonly entry: Fields
  readonly limits: Limits
  readonly base: {readonly place: EntryPlace; readonly time?: string}
  /** For each item of the entry another one. */
  nextKey(): string
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A short text that names something. */
export function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 1024 ? value : undefined
}

export function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

/** The objects in a list. */
export function objects(value: unknown): readonly Fields[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : []
  return list.map(objectField).filter((each) => each !== undefined)
}

/** The content of a message as blocks: a text alone is one. */
export function blocksOf(content: unknown): readonly Fields[] {
  return typeof content === 'string' ? [{type: 'text', text: content}] : objects(content)
}

/** The texts of blocks, and what they hold that is none. */
export function contentOf(
  content: unknown,
  limit: number,
): {readonly content: Excerpt; readonly media: readonly Media[]} {
  const blocks = blocksOf(content)
  const texts = blocks.flatMap((block) => text(block['text']) ?? [])
  return {content: excerpt(texts.join('\n'), limit), media: blocks.flatMap(mediaIn)}
}

/** What a block holds that is no text. */
export function mediaIn({type, source, file}: Fields): readonly Media[] {
  if (type !== 'image' && type !== 'document') return []
  const from = objectField(source) ?? objectField(file)
  const mediaType = word(from?.['media_type'])
  const data = text(from?.['data']) ?? ''
  // base64: four letters for three bytes.
  return [{type, ...(mediaType !== undefined && {mediaType}), bytes: Math.floor((data.length * 3) / 4)}]
}
