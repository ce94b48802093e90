import {isRanged} from './part.js'
import type {TranscriptView} from './view.js'

const RECENT_MS = 10 * 60_000

/** Whether somebody else wrote to a transcript in the last ten minutes, by the store's clock: readers of theirs may be under way. */
export function othersWroteLately({parts, listing}: TranscriptView, machine: string): boolean {
  return parts.some(
    (part) => part.modified > listing.date - RECENT_MS && !(isRanged(part) && part.range.machine === machine),
  )
}
