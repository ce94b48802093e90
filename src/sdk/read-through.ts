import type {Hash} from 'node:crypto'
import type {Segment} from '../store/deliver.js'
import type {Parts} from '../store/parts.js'
import {readDelivery} from '../store/read-delivery.js'
import type {TranscriptView} from '../store/view.js'
import {type Line, readLines} from '../transcript/lines.js'

/**
 * Reads a whole transcript as readers are given it, `agent_metadata` entries at their places, and verifies it.
 *
 * @returns the hash of the path's bytes, to go on from.
 * @throws PART_DAMAGED, LINE_TOO_LONG; OBJECT_NOT_FOUND when a part was moved meanwhile: view again.
 */
export async function readThrough(
  view: TranscriptView,
  parts: Parts,
  visit: (line: Line) => void,
): Promise<Hash | undefined> {
  let hash: Hash | undefined
  const delivery = {...view.delivery, segments: withMetadata(view.delivery)}
  const chunks = readDelivery({...view, delivery}, parts, {onVerified: (verified) => (hash = verified)})
  for await (const line of readLines(chunks)) visit(line)
  return hash
}

/** Both are in key order; a metadata line may stand in one part with others. */
function withMetadata({segments, metadata}: TranscriptView['delivery']): Segment[] {
  const merged: Segment[] = []
  const waiting = [...metadata]
  for (const segment of segments) {
    while (waiting[0] && isBefore(waiting[0], segment)) merged.push(...waiting.splice(0, 1))
    merged.push(segment)
  }
  return [...merged, ...waiting]
}

function isBefore(a: Segment, b: Segment): boolean {
  return a.part.name === b.part.name ? a.start < b.start : a.part.name < b.part.name
}
