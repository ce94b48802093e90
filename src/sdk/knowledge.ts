import type {Hash} from 'node:crypto'
import {type LoadSink, loadTranscript} from '../store/load.js'
import type {TranscriptRef} from '../store/names.js'
import type {PartListing, Parts} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import {type Line, LineSplitter} from '../transcript/lines.js'
import {shortId} from './encode.js'
import type {SummaryFold} from './summary-fold.js'

/** What one reading of a whole transcript tells a writer. */
export interface Knowledge {
  /** What it was read with: they know the metadata of each part now. */
  readonly parts: Parts
  readonly view: TranscriptView
  /** Of the path's bytes. */
  readonly hash: Hash
  /** Of the entries that have a `uuid`. */
  readonly ids: Set<string>
  readonly summary: SummaryFold | undefined
}

/**
 * Reads a whole transcript, `agent_metadata` entries at their places.
 *
 * @param newSummary makes an empty one.
 * @param collect takes the lines; called again where the reading has to begin anew.
 * @throws PART_DAMAGED, LINE_TOO_LONG, SESSION_TOO_LARGE, TRANSCRIPT_BUSY, and what the store throws.
 */
export async function learn(
  parts: Parts,
  ref: TranscriptRef,
  newSummary: () => SummaryFold | undefined,
  {listing, collect, maxBytes}: LearnOptions = {},
): Promise<Knowledge> {
  let ids = new Set<string>()
  let summary: SummaryFold | undefined
  let lines = new LineSplitter()
  let give = collect?.()
  const take = (line: Line): void => {
    const {uuid} = entryIdentity(line.bytes)
    if (uuid !== undefined) ids.add(shortId(uuid))
    summary?.add(line.bytes)
    give?.(line)
  }
  const sink: LoadSink = {
    begin() {
      ids = new Set()
      summary = newSummary()
      lines = new LineSplitter()
      give = collect?.()
    },
    write(chunk) {
      for (const line of lines.push(chunk)) take(line)
    },
  }
  const {view, hash} = await loadTranscript(parts, ref, sink, {withMetadata: true, listing, maxBytes})
  for (const line of lines.end()) take(line)
  return {parts, view, hash, ids, summary}
}

export interface LearnOptions {
  /** One that was made a moment ago. */
  readonly listing?: PartListing | undefined
  readonly collect?: () => (line: Line) => void
  /** Refuse more bytes. */
  readonly maxBytes?: number | undefined
}

/** Whether two listings show the same parts: what was read of one holds for the other. */
export function sameParts(a: TranscriptView['listing'], b: TranscriptView['listing']): boolean {
  return (
    a.parts.length === b.parts.length &&
    a.parts.every((part, index) => part.name === b.parts[index]?.name && part.etag === b.parts[index]?.etag)
  )
}

/** Of all objects of a listing. */
export function bytesOf({parts}: TranscriptView['listing']): number {
  return parts.reduce((sum, {size}) => sum + size, 0)
}
