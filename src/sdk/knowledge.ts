import type {Hash} from 'node:crypto'
import type {Parts} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import type {Line} from '../transcript/lines.js'
import {shortId} from './encode.js'
import {readThrough} from './read-through.js'
import type {SummaryFold} from './summary-fold.js'

/** What one reading of a whole transcript tells a writer. */
export interface Knowledge {
  readonly view: TranscriptView
  /** Of the path's bytes. */
  readonly hash: Hash | undefined
  /** Of the entries that have a `uuid`. */
  readonly ids: Set<string>
  readonly summary: SummaryFold | undefined
}

/**
 * @param summary an empty one.
 * @param visit sees each line, too.
 */
export async function learn(
  view: TranscriptView,
  parts: Parts,
  summary: SummaryFold | undefined,
  visit: (line: Line) => void = () => undefined,
): Promise<Knowledge> {
  const ids = new Set<string>()
  const hash = await readThrough(view, parts, (line) => {
    const {uuid} = entryIdentity(line.bytes)
    if (uuid !== undefined) ids.add(shortId(uuid))
    summary?.add(line.bytes)
    visit(line)
  })
  return {view, hash, ids, summary}
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
