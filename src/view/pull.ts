import type {PullOutcome, PullReport} from '../sync/pull-many.js'
import type {PullAction} from '../sync/pull-session.js'
import {formatBytes} from './bytes.js'
import {failureLines} from './failure.js'
import {sanitizeLine} from './sanitize.js'

const WORDS: Readonly<Record<PullAction, string>> = {
  pulled: 'pulled',
  unchanged: 'unchanged',
  ahead: 'ahead: more is here than in the store, reprise push stores it',
  merged: 'merged: both sides are here now, reprise push stores them',
  forked: 'pulled; the local conversation is kept',
  diverged: 'diverged',
  failed: 'failed',
}

/** One line for each session that is not as it was, then the sum. */
export function pullText({sessions, totals}: PullReport, options: {readonly dryRun: boolean}): string {
  if (sessions.length === 0) return 'The store has no session of this directory. See what there is: reprise ls'
  const lines = sessions.filter(({action}) => action !== 'unchanged').map(lineOf)
  const {unchanged = 0} = totals.actions
  if (unchanged > 0) lines.push(`${unchanged} unchanged`)
  if (options.dryRun) lines.push(`Nothing was written; ${formatBytes(totals.bytesDownloaded)} would be downloaded.`)
  return lines.join('\n')
}

function lineOf({sessionId, action, bytesDownloaded, newSessionId, path, error}: PullOutcome): string {
  const size = bytesDownloaded > 0 ? ` (${formatBytes(bytesDownloaded)})` : ''
  const kept = newSessionId === undefined ? '' : ` as ${newSessionId}`
  const place = error ? '' : `  ${sanitizeLine(path)}`
  return [`${sanitizeLine(sessionId)}  ${WORDS[action]}${kept}${size}${place}`, ...failureLines(error)].join('\n')
}
