import type {DiffRelation, SessionDiff, TranscriptDiff} from '../sync/diff-session.js'
import type {EntryGlance, SideTail} from '../sync/diff-tail.js'
import {formatBytes} from './bytes.js'
import {sanitizeLine} from './sanitize.js'
import {truncate} from './width.js'

const WORDS: Readonly<Record<DiffRelation, string>> = {
  equal: 'the same here and in the store',
  'same-entries': 'the same entries, in other order or bytes',
  'local-extends': 'goes on here: reprise push',
  'stored-extends': 'goes on in the store: reprise pull',
  rewritten: 'was rewritten here by claude: reprise push',
  'local-more': 'has more here: reprise push',
  'stored-more': 'has more in the store: reprise pull',
  bookkeeping: 'each side has more, one of them only bookkeeping: reprise push or reprise pull brings both together',
  diverged: 'each side has messages that the other lacks: reprise push --merge, or reprise push --fork',
  'local-only': 'is not stored: reprise push',
  'stored-only': 'is not on this machine: reprise pull',
}

/** @param width of the terminal; Infinity where nothing is to be cut. */
export function diffText({sessionId, path, transcripts}: SessionDiff, width: number): string {
  const differing = transcripts.filter(({relation}, at) => at === 0 || relation !== 'equal')
  const same = transcripts.length - differing.length
  const lines = [
    `${sanitizeLine(sessionId)}${path === undefined ? '' : `  ${sanitizeLine(path)}`}`,
    ...differing.flatMap((each) => linesOf(each, width)),
  ]
  if (same > 0) lines.push(`${same} subagent transcripts are the same here and in the store`)
  return lines.join('\n')
}

function linesOf(diff: TranscriptDiff, width: number): readonly string[] {
  const {subpath = 'main', relation, localBytes, storedBytes, tornBytes} = diff
  const torn = tornBytes > 0 ? [`  a torn last line here (${formatBytes(tornBytes)}) is no entry yet`] : []
  const sizes = `${formatBytes(localBytes)} here, ${formatBytes(storedBytes)} stored`
  return [
    `${sanitizeLine(subpath)}: ${WORDS[relation]} (${sizes})`,
    ...tailLines('only here', '<', diff.onlyHere, width),
    ...tailLines('only in the store', '>', diff.onlyStored, width),
    ...torn,
  ]
}

function tailLines(where: string, mark: string, {entries, messages, last}: SideTail, width: number): readonly string[] {
  if (entries === 0) return []
  const shown = last.length < entries ? `, the last ${last.length}` : ''
  const count = `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${messages} of them messages${shown}`
  return [`  ${where} (${count}):`, ...last.map((each) => truncate(`  ${mark} ${glanceLine(each)}`, width))]
}

function glanceLine({time, type, text}: EntryGlance): string {
  return sanitizeLine([time ?? '-', type, text ?? ''].join('  '))
}
