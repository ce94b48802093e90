import {pipeline, Readable} from 'node:stream'
import {createGzip} from 'node:zlib'
import {RepriseError} from '../base/errors.js'
import {WHOLE} from '../transcript/conversation/limits.js'
import type {Chain} from './choose-chain.js'
import {rawChain} from './raw-lines.js'
import {type ReadChain, readChain} from './read-chain.js'
import {redactedSession} from './redacted-session.js'
import type {Redaction} from './redaction.js'

/** `jsonl`: the transcripts' own bytes; the others are made of the conversation. */
export const EXPORT_FORMATS = ['jsonl', 'json', 'md', 'html'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

/** A document of a chain, in pieces. Pure: the same chain gives the same text. */
export type Renderer = (chain: ReadChain) => Iterable<string>

export interface ExportOptions {
  /** Absent: the bytes of the main transcripts, one after the other, as every reader is given them. */
  readonly render?: Renderer | undefined
  readonly gzip: boolean
  /** Masks what looks like a secret, and counts it while the bytes are read. */
  readonly redaction?: Redaction | undefined
}

/** Pieces of text are written as one of this many UTF-16 code units. */
const CHUNK = 64 * 1024

/**
 * A chain of sessions as the bytes of one file, streamed; a rendered one holds the conversation's texts in memory.
 *
 * @throws while it is read, what reading the sessions throws: PART_DAMAGED, TRANSCRIPT_BUSY, LOCAL_CHANGED, …; TRANSCRIPT_MISSING where
 *   there is nothing to give the bytes of.
 */
export function exportSession(chain: Chain, {render, gzip, redaction}: ExportOptions): AsyncIterable<Uint8Array> {
  const sessions = redaction ? chain.sessions.map((each) => redactedSession(each, redaction)) : chain.sessions
  const bytes = render ? rendered({...chain, sessions}, render) : someBytes(rawChain(sessions))
  return gzip ? zipped(bytes) : bytes
}

async function* someBytes(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let isEmpty = true
  for await (const chunk of chunks) {
    isEmpty = false
    yield chunk
  }
  if (!isEmpty) return
  throw new RepriseError({
    kind: 'not-found',
    code: 'TRANSCRIPT_MISSING',
    message: 'there is no main transcript, or nothing stands in it',
    suggestions: ['Export what its subagents said: --format json', 'Print one of them: reprise cat --subagent'],
  })
}

async function* rendered(chain: Chain, render: Renderer): AsyncIterable<Uint8Array> {
  let waiting = ''
  for (const piece of render(await readChain(chain, WHOLE))) {
    waiting += piece
    if (waiting.length < CHUNK) continue
    yield Buffer.from(waiting)
    waiting = ''
  }
  if (waiting !== '') yield Buffer.from(waiting)
}

async function* zipped(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gzip = createGzip()
  // What goes wrong destroys the stream with its error, and whoever reads it is told.
  pipeline(Readable.from(chunks), gzip, () => undefined)
  for await (const chunk of gzip) yield chunk as Uint8Array
}
