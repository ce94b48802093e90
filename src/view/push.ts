import type {PushOutcome, PushReport} from '../sync/push-many.js'
import type {PushAction} from '../sync/push-session.js'
import {formatBytes} from './bytes.js'
import {failureLines} from './failure.js'
import {sanitizeLine} from './sanitize.js'

const WORDS: Readonly<Record<PushAction, string>> = {
  pushed: 'pushed',
  unchanged: 'unchanged',
  behind: 'behind: the store has more, reprise pull brings it',
  replaced: 'replaced: the store now holds what is here',
  merged: 'merged: the store now holds both sides',
  forked: 'forked',
  diverged: 'diverged',
  failed: 'failed',
}

/** One line for each session that is not as it was, then the sum. */
export function pushText({sessions, totals}: PushReport, options: {readonly dryRun: boolean}): string {
  if (sessions.length === 0)
    return 'There is no session here. Name one, or push those of all projects: reprise push --all'
  const lines = sessions.filter(({action}) => action !== 'unchanged').map(lineOf)
  const {unchanged = 0} = totals.actions
  if (unchanged > 0) lines.push(`${unchanged} unchanged`)
  if (options.dryRun) lines.push(`Nothing was written; ${formatBytes(totals.bytesUploaded)} would be uploaded.`)
  return lines.join('\n')
}

function lineOf({sessionId, action, bytesUploaded, entries, newSessionId, error}: PushOutcome): string {
  const size =
    bytesUploaded > 0 ? ` (${entries} ${entries === 1 ? 'entry' : 'entries'}, ${formatBytes(bytesUploaded)})` : ''
  const fork = newSessionId === undefined ? '' : ` as ${newSessionId}`
  return [`${sanitizeLine(sessionId)}  ${WORDS[action]}${fork}${size}`, ...failureLines(error)].join('\n')
}
