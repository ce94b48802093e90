import type {TranscriptBytes} from '../store/bytes.js'
import {parseObject} from '../transcript/entry-identity.js'
import {type Line, readLines} from '../transcript/lines.js'
import {plainText} from '../transcript/plain-text.js'
import type {ByteRange} from './compare.js'

const LONGEST_TEXT = 120
/** A longer entry is counted, but not looked into. */
const LARGEST_ENTRY = 8 * 1024 * 1024

/** One entry in a few words. */
export interface EntryGlance {
  /** ISO 8601 in UTC, as the entry says. */
  readonly time?: string
  /** `user`, `assistant`, …; `?` for a line that is no entry. */
  readonly type: string
  /** Its first words, or what it calls. */
  readonly text?: string
}

/** What one side has and the other lacks. */
export interface SideTail {
  readonly entries: number
  /** Of those, the ones with a `uuid`: messages, not bookkeeping. */
  readonly messages: number
  readonly bytes: number
  /** The last of them, in their order. */
  readonly last: readonly EntryGlance[]
}

export const NO_TAIL: SideTail = {entries: 0, messages: 0, bytes: 0, last: []}

/** @param most entries to tell of. */
export async function tailOf(source: TranscriptBytes, ranges: readonly ByteRange[], most: number): Promise<SideTail> {
  let [entries, messages, bytes] = [0, 0, 0]
  const last: Line[] = []
  for (const {start, end} of ranges) {
    bytes += end - start
    for await (const line of readLines(source.read(start, end), {onTooLong: 'report'})) {
      entries++
      if (line.bytes.length <= LARGEST_ENTRY && hasUuid(line)) messages++
      last.push(line)
      if (last.length > most) last.shift()
    }
  }
  return {entries, messages, bytes, last: last.map(glance)}
}

function hasUuid({bytes}: Line): boolean {
  const uuid = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"uuid"')
    ? parseObject(bytes)?.['uuid']
    : undefined
  return typeof uuid === 'string' && uuid !== ''
}

function glance({bytes}: Line): EntryGlance {
  const entry = bytes.length <= LARGEST_ENTRY ? parseObject(bytes) : undefined
  if (!entry) return {type: '?'}
  const {type, timestamp} = entry
  const ms = typeof timestamp === 'string' && timestamp.length <= 64 ? Date.parse(timestamp) : Number.NaN
  const text = plainText(wordsOf(entry), LONGEST_TEXT)
  return {
    ...(!Number.isNaN(ms) && {time: new Date(ms).toISOString()}),
    type: typeof type === 'string' ? plainText(type, 40) || '?' : '?',
    ...(text !== '' && {text}),
  }
}

type Fields = Readonly<Record<string, unknown>>

function wordsOf({message, customTitle, aiTitle, summary, content, subtype}: Fields): string {
  const said = isFields(message) ? message['content'] : content
  const blocks = Array.isArray(said) ? said.filter(isFields) : []
  const words = typeof said === 'string' ? [said] : blocks.map(wordsOfBlock)
  return (
    ([...words, customTitle, aiTitle, summary, subtype].find(
      (each) => typeof each === 'string' && each !== '',
    ) as string) ?? ''
  )
}

function wordsOfBlock({type, text, name}: Fields): string {
  if (typeof text === 'string') return text
  if (typeof name === 'string') return `[${String(type)}: ${name}]`
  return typeof type === 'string' ? `[${type}]` : ''
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null
}
