import type {SessionStatus, StatusReport} from '../sync/status.js'
import {formatBytes} from './bytes.js'
import {failureLines} from './failure.js'
import {sanitizeLine} from './sanitize.js'

/** One line for each session, then whether this worker may go. */
export function statusText({sessions, totals, allStored}: StatusReport): string {
  if (sessions.length === 0) return 'There is no session here. Look at those of all projects: reprise status --all'
  const missing = sessions.filter(({state}) => state !== 'stored' && state !== 'behind').length
  const live = totals.live === 0 ? '' : ` ${totals.live} still open: more may come.`
  const verdict = allStored
    ? `Everything here is stored.${live}`
    : `${missing} of ${totals.sessions} not stored yet (${formatBytes(totals.unstoredBytes)}): reprise push${live}`
  return [...sessions.map(lineOf), verdict].join('\n')
}

function lineOf(status: SessionStatus): string {
  const {sessionId, tornBytes, livePid, error} = status
  const notes = [
    wordsOf(status),
    ...(tornBytes > 0 ? [`a torn last line (${formatBytes(tornBytes)}) is no entry yet`] : []),
    ...(livePid === undefined ? [] : [`open in process ${livePid}`]),
  ]
  return [`${sanitizeLine(sessionId)}  ${notes.join('; ')}`, ...failureLines(error)].join('\n')
}

function wordsOf({state, unstoredEntries, unstoredBytes}: SessionStatus): string {
  const count = `${unstoredEntries} ${unstoredEntries === 1 ? 'entry' : 'entries'}, ${formatBytes(unstoredBytes)}`
  switch (state) {
    case 'stored':
      return 'stored'
    case 'behind':
      return 'stored; the store has more'
    case 'unassured':
      return 'stored, but another worker may still cut it off'
    case 'unstored':
      return `not stored yet (${count})`
    case 'diverged':
      return `diverged: only here (${count})`
    case 'failed':
      return 'unknown'
  }
}
