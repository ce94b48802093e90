import type {FileChange, Hunk} from '../model.js'
import {objectField} from '../../summary-fields.js'
import {count, type Fields, objects, text, word} from './entry.js'
import type {CallPiece, ResultPiece} from './pieces.js'

interface Hunks {
  readonly hunks: readonly Hunk[]
  readonly linesLeftOut: number
}

/** Hunks as claude records them. @param limit of their lines, in UTF-16 code units. */
export function hunksOf(recorded: readonly Fields[], limit: number): Hunks {
  return boundedHunks(
    recorded.map(({oldStart, newStart, lines}) => ({
      oldStart: count(oldStart) ?? 0,
      newStart: count(newStart) ?? 0,
      lines: Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [],
    })),
    limit,
  )
}

/**
 * What a call did to a file, or was to do: as claude recorded it with the result, else as the call itself says.
 *
 * @param limit of their lines, in UTF-16 code units.
 */
export function changesOf(call: CallPiece, result: ResultPiece | undefined, limit: number): readonly FileChange[] {
  const input = objectField(call.input) ?? {}
  const path = word(input['file_path']) ?? word(input['notebook_path'])
  if (path === undefined || result?.isError) return []
  if (result?.patch) return [{path, ...result.patch}]
  const hunks = asked(call.name, input)
  return hunks.length === 0 ? [] : [{path, ...boundedHunks(hunks, limit)}]
}

function asked(name: string, input: Fields): readonly Hunk[] {
  switch (name) {
    case 'Edit':
      return [replacement(input)]
    case 'MultiEdit':
      return objects(input['edits']).map(replacement)
    case 'Write':
      return [{oldStart: 0, newStart: 1, lines: linesOf(input['content']).map((line) => `+${line}`)}]
    case 'NotebookEdit':
      return [{oldStart: 0, newStart: 0, lines: linesOf(input['new_source']).map((line) => `+${line}`)}]
    default:
      return []
  }
}

/** Old lines and new ones; what both begin and end with stands once, around them. */
function replacement({old_string: before, new_string: after}: Fields): Hunk {
  const [old, fresh] = [linesOf(before), linesOf(after)]
  const most = Math.min(old.length, fresh.length)
  let start = 0
  while (start < most && old[start] === fresh[start]) start++
  let end = 0
  while (end < most - start && old.at(-1 - end) === fresh.at(-1 - end)) end++
  const lines = [
    ...old.slice(0, start).map((line) => ` ${line}`),
    ...old.slice(start, old.length - end).map((line) => `-${line}`),
    ...fresh.slice(start, fresh.length - end).map((line) => `+${line}`),
    ...old.slice(old.length - end).map((line) => ` ${line}`),
  ]
  return {oldStart: 0, newStart: 0, lines}
}

function linesOf(value: unknown): readonly string[] {
  const whole = text(value)
  if (whole === undefined || whole === '') return []
  const lines = whole.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function boundedHunks(hunks: readonly Hunk[], limit: number): Hunks {
  let left = limit
  let linesLeftOut = 0
  const kept: Hunk[] = []
  for (const {oldStart, newStart, lines} of hunks) {
    const taken: string[] = []
    for (const line of lines) {
      left -= line.length + 1
      if (left >= 0) taken.push(line)
    }
    linesLeftOut += lines.length - taken.length
    if (taken.length > 0) kept.push({oldStart, newStart, lines: taken})
  }
  return {hunks: kept, linesLeftOut}
}
