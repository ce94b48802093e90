import type {JoinSource} from '../object-store.js'
import type {S3Limits} from './options.js'

const MAX_PARTS = 10_000

/** Bytes `[start, end)` of a source; never empty. */
export interface SourceRange {
  readonly source: JoinSource
  readonly start: number
  readonly end: number
}

/** One part of an upload: a range that the store copies by itself, or bytes that come through this machine. */
export type JoinPiece =
  | {readonly type: 'copy'; readonly size: number; readonly range: SourceRange}
  | {readonly type: 'stream'; readonly size: number; readonly ranges: readonly SourceRange[]}

/**
 * Cuts a join into the parts of an upload. S3 wants every part but the last to have its least size, so what is smaller is streamed,
 * run by run, and a run that is too small itself borrows the head of the source behind it. Streamed parts stay below twice
 * `limits.part`, until an object is so large that its 10,000 parts have to be larger.
 */
export function planJoin(
  sources: readonly JoinSource[],
  limits: Pick<S3Limits, 'minPart' | 'part' | 'copyPart'>,
): JoinPiece[] {
  const filled = sources.filter(({size}) => size > 0)
  const least = Math.max(limits.minPart, Math.ceil(sizeOf(filled) / (MAX_PARTS - 1)))
  const part = Math.max(limits.part, least)
  const pieces: JoinPiece[] = []
  let [run, pending]: [SourceRange[], number] = [[], 0]
  for (const [place, source] of filled.entries()) {
    const head = streamedHead(pending, source.size, least, place === filled.length - 1)
    if (head > 0) run.push({source, start: 0, end: head})
    pending += head
    if (head === source.size) continue
    pieces.push(...cutRun(run, part), ...cutCopy(source, head, Math.max(limits.copyPart, 2 * least)))
    ;[run, pending] = [[], 0]
  }
  return [...pieces, ...cutRun(run, part)]
}

/** How much of a source, from its start, goes with the run before it; the rest is copied. */
function streamedHead(pending: number, size: number, least: number, isLast: boolean): number {
  const borrowed = pending === 0 || pending >= least ? 0 : least - pending
  if (borrowed === 0) return size >= least || isLast ? 0 : size
  // A source that is not larger than the least part can be copied as a whole alone.
  return size > least && (isLast || size - borrowed >= least) ? borrowed : size
}

/** Parts of one size; what is left over goes into the last. */
function* cutRun(run: readonly SourceRange[], part: number): Iterable<JoinPiece> {
  let left = run.reduce((sum, {start, end}) => sum + end - start, 0)
  let size = left < 2 * part ? left : part
  let [ranges, room]: [SourceRange[], number] = [[], size]
  for (const {source, start, end} of run) {
    for (let from = start; from < end;) {
      const to = Math.min(end, from + room)
      ranges.push({source, start: from, end: to})
      room -= to - from
      from = to
      if (room > 0) continue
      yield {type: 'stream', size, ranges}
      left -= size
      size = left < 2 * part ? left : part
      ;[ranges, room] = [[], size]
    }
  }
}

/** Parts of about one size, so that none is below the half of `most`. */
function cutCopy(source: JoinSource, from: number, most: number): JoinPiece[] {
  const size = source.size - from
  const count = Math.ceil(size / most)
  const cut = (number: number): number => from + Math.floor((size * number) / count)
  return Array.from({length: count}, (_, number) => {
    const [start, end] = [cut(number), cut(number + 1)]
    return {type: 'copy', size: end - start, range: {source, start, end}}
  })
}

function sizeOf(sources: readonly JoinSource[]): number {
  return sources.reduce((sum, {size}) => sum + size, 0)
}
