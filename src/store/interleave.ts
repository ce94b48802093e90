import {compareNames, isRanged, type ListedPart} from './part.js'
import type {Resolution} from './resolve.js'

/** Bytes `[start, end)` of one part's object. `unterminated`: the last line lacks its `\n`, which a reader adds. */
export interface Segment {
  readonly part: ListedPart
  readonly start: number
  readonly end: number
  readonly unterminated?: true
  /** Bytes of the path: its digests hold for them. */
  readonly path?: true
}

/** What a reader is given: the path's bytes, and among them, where their keys sort, the lines of parts beside it. */
export interface Delivery {
  readonly segments: readonly Segment[]
  /** Bytes in all, added `\n` included. */
  readonly length: number
  /** Nothing beside the path gives a line: the delivered bytes are the path's. */
  readonly straight: boolean
  /** How many of the first delivered bytes are the path's first bytes. */
  readonly agreed: number
  /** `agent_metadata` entries, in key order: they are no lines of the transcript, the last one counts. */
  readonly metadata: readonly Segment[]
}

/** The lines that a part beside the path gives, and how many bytes of the path come before them at least. */
interface Extra {
  readonly part: ListedPart
  readonly floor: number
  readonly segments: readonly Segment[]
}

/**
 * Extras stand where their key sorts, but never before what their writer went on from: a clock that is behind, a merge that carries a
 * later time, or a rebase must not put an answer before its question.
 */
export function interleave(
  resolution: Resolution,
  extras: readonly {part: ListedPart; segments: Segment[]}[],
  metadata: readonly Segment[],
): Delivery {
  const segments: Segment[] = []
  let agreed: number | undefined
  let given = 0
  const give = ({segments: extra}: Extra): void => {
    if (extra.length > 0) agreed ??= given
    for (const segment of extra) appendSegment(segments, segment)
  }
  const waiting = new WaitingExtras(extras.map((each) => ({...each, floor: floorOf(each.part, resolution.length)})))
  for (const {part, start, end} of resolution.slices) {
    for (const extra of waiting.before(part, given)) give(extra)
    appendSegment(segments, {part, start: start - part.range.from, end: end - part.range.from, path: true})
    given = end
  }
  for (const extra of waiting.rest()) give(extra)
  const length = segments.reduce((sum, each) => sum + each.end - each.start + (each.unterminated ? 1 : 0), 0)
  return {segments, length, straight: agreed === undefined, agreed: agreed ?? given, metadata}
}

function floorOf(part: ListedPart, length: number): number {
  return isRanged(part) ? Math.min(part.range.from, length) : 0
}

/** Extras in key order, taken as the path goes on. */
class WaitingExtras {
  readonly #extras: readonly Extra[]
  #next = 0
  /** Their key would be next, the path has not got far enough. In key order. */
  #held: Extra[] = []

  constructor(extras: readonly Extra[]) {
    this.#extras = extras
  }

  /** Those that come before a part of the path, when so much of it was given. */
  before(part: ListedPart, given: number): readonly Extra[] {
    for (let extra = this.#extras[this.#next]; extra && compareNames(extra.part, part) < 0;) {
      this.#held.push(extra)
      extra = this.#extras[++this.#next]
    }
    if (!this.#held.some(({floor}) => floor <= given)) return []
    const due = this.#held.filter(({floor}) => floor <= given)
    this.#held = this.#held.filter(({floor}) => floor > given)
    return due
  }

  rest(): readonly Extra[] {
    return [...this.#held, ...this.#extras.slice(this.#next)].toSorted((a, b) => compareNames(a.part, b.part))
  }
}

/** Adds a segment, joined to the last one where it goes on in the same part. */
export function appendSegment(segments: Segment[], next: Segment): void {
  const last = segments.at(-1)
  if (last?.part === next.part && last.end === next.start && last.path === next.path) {
    segments[segments.length - 1] = {...next, start: last.start}
  } else if (next.end > next.start) segments.push(next)
}
