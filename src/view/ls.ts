import type {ListedSession} from '../sync/list-sessions.js'
import {formatBytes} from './bytes.js'
import {type Column, renderTable} from './table.js'
import {formatAge} from './time.js'

const SHORTEST_ID = 8

export interface LsOptions {
  /** ms since the epoch. */
  readonly now: number
  /** Infinite where nothing is to be cut. */
  readonly width: number
  readonly idsOnly: boolean
}

/** A table, or the ids alone, one a line. */
export function lsText(rows: readonly ListedSession[], {now, width, idsOnly}: LsOptions): string {
  if (idsOnly) return rows.map(({sessionId}) => sessionId).join('\n')
  if (rows.length === 0) return 'No sessions. Store those of this machine: reprise push --all'
  const shown = idLength(rows)
  const columns: Column<ListedSession>[] = [
    {title: 'SESSION', value: ({sessionId}) => (width === Infinity ? sessionId : sessionId.slice(0, shown))},
    {title: 'ACTIVE', value: ({updatedAt}) => (updatedAt === undefined ? '' : formatAge(Date.parse(updatedAt), now))},
    {title: 'TITLE', value: ({title, firstPrompt}) => title ?? firstPrompt ?? '', shrinkTo: 20},
    {title: 'TASK', value: ({task, name}) => task ?? name ?? '', shrinkTo: 10},
    {title: 'AGENT', value: ({agent}) => agent},
    {title: 'CWD', value: ({cwd, projectKey}) => cwd ?? projectKey, shrinkTo: 12},
    {title: 'MACHINE', value: ({machine, user}) => machine ?? user ?? '', shrinkTo: 8},
    {title: 'ENTRIES', value: ({entries}) => (entries === undefined ? '' : String(entries)), align: 'right'},
    {title: 'SIZE', value: ({bytes}) => (bytes === undefined ? '' : formatBytes(bytes)), align: 'right'},
  ]
  const tells: Readonly<Record<string, boolean>> = {
    TASK: rows.some(({task, name}) => (task ?? name ?? '') !== ''),
    AGENT: rows.some(({agent}) => agent !== 'claude'),
  }
  const used = columns.filter(({title}) => tells[title] ?? true)
  return renderTable(used, rows, width)
}

/** As many characters as it takes to tell the listed sessions apart. */
function idLength(rows: readonly ListedSession[]): number {
  const ids = new Set(rows.map(({sessionId}) => sessionId))
  for (let length = SHORTEST_ID; length < 36; length++) {
    if (new Set([...ids].map((id) => id.slice(0, length))).size === ids.size) return length
  }
  return 36
}
