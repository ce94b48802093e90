import type {CompactOutcome, CompactReport} from '../sync/compact-many.js'
import type {LeftReason} from '../sync/compact-parts.js'
import type {CompactAction} from '../sync/compact-tally.js'
import {formatBytes} from './bytes.js'
import {failureLines} from './failure.js'
import {sanitizeLine} from './sanitize.js'
import {type Column, renderTable} from './table.js'

export interface CompactTextOptions {
  readonly dryRun: boolean
  /** Of the terminal; Infinity where nothing is to be cut. */
  readonly width: number
}

const WORDS: Readonly<Record<CompactAction, string>> = {
  compacted: 'compacted',
  archived: 'archived',
  adopted: 'adopted',
  unchanged: 'unchanged',
  left: 'left',
  failed: 'failed',
}

const REASONS: Readonly<Record<LeftReason, string>> = {
  'no-delete': 'nothing was done: these credentials may not delete, and what is written would only be one more copy',
  locked: 'nothing was done: Object Lock keeps what is deleted, so that what is written would be stored beside it',
  young: 'another writer stored something in the last minutes without reprise, and may be still at it',
  leased: 'another holds the session, and brings in itself what others stored beside it',
  'no-lease': 'what others stored beside it stays so: this store cannot keep a lease',
  'in-use': 'somebody may still be using it: a lease, or a part of another program, in the last 24 hours',
}

const COLUMNS: readonly Column<CompactOutcome>[] = [
  {title: 'SESSION', value: ({sessionId}) => sessionId},
  {title: 'DONE', value: ({action}) => WORDS[action]},
  {title: 'PARTS', value: ({partsBefore}) => String(partsBefore), align: 'right'},
  {title: 'AFTER', value: ({partsAfter}) => String(partsAfter), align: 'right'},
  {title: 'READ', value: ({bytesRead}) => formatBytes(bytesRead), align: 'right'},
  {title: 'WRITTEN', value: ({bytesWritten}) => formatBytes(bytesWritten), align: 'right'},
  {title: 'JOINED', value: ({bytesJoined}) => formatBytes(bytesJoined), align: 'right'},
  {title: 'DELETED', value: ({deleted}) => String(deleted), align: 'right'},
]

/** A row for each session that is not as it was, why others were left, then the sum. */
export function compactText({sessions, totals}: CompactReport, {dryRun, width}: CompactTextOptions): string {
  if (sessions.length === 0) return 'The store has no session of this directory. Those of all: reprise compact --all'
  const rows = sessions.filter(({action}) => action !== 'unchanged')
  const lines = rows.length === 0 ? [] : [renderTable(COLUMNS, rows, width).trimEnd()]
  for (const {sessionId, left = [], error} of rows) {
    const id = sanitizeLine(sessionId)
    lines.push(...left.map((reason) => `${id}  ${REASONS[reason]}`))
    if (error) lines.push(id, ...failureLines(error))
  }
  const {unchanged = 0} = totals.actions
  if (unchanged > 0) lines.push(`${unchanged} unchanged`)
  if (totals.waiting > 0) lines.push(`${totals.waiting} parts that nothing needs any more are left to the next run`)
  return [...lines, sumOf({sessions, totals}, dryRun)].join('\n')
}

function sumOf({totals}: CompactReport, dryRun: boolean): string {
  const {partsBefore, partsAfter, bytesRead, bytesWritten, bytesJoined, requests, estimatedCost} = totals
  const count = Object.values(requests).reduce((sum, each) => sum + each, 0)
  const joined = bytesJoined > 0 ? `, ${formatBytes(bytesJoined)} joined in the store` : ''
  const cost = estimatedCost === undefined ? '' : `, about $${estimatedCost.toFixed(estimatedCost < 0.01 ? 5 : 2)}`
  const bytes = `${formatBytes(bytesRead)} read, ${formatBytes(bytesWritten)} written${joined}`
  const all = `${partsBefore} parts to ${partsAfter}: ${bytes}, ${count} requests${cost}`
  return dryRun ? `Nothing was written; it would take ${all}.` : `${all}.`
}
