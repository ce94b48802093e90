import type {VerifyFinding} from '../sync/verify-findings.js'
import type {VerifyOutcome, VerifyReport, VerifyState} from '../sync/verify-many.js'
import {formatBytes} from './bytes.js'
import {failureLines} from './failure.js'
import {sanitizeLine} from './sanitize.js'

const WORDS: Readonly<Record<VerifyState, string>> = {
  ok: 'ok',
  warnings: 'warnings',
  damaged: 'DAMAGED',
  failed: 'could not be read',
}

/** The sessions with something to tell, what that is, then the sum. */
export function verifyText({sessions, totals, readData}: VerifyReport): string {
  if (sessions.length === 0) return 'The store has no session.'
  const told = sessions.filter(({state}) => state !== 'ok').flatMap(linesOf)
  const states = (Object.keys(WORDS) as VerifyState[]).flatMap((state) => {
    const count = totals.states[state]
    return count === undefined ? [] : [`${count} ${WORDS[state].toLowerCase()}`]
  })
  const read = readData
    ? 'every byte was read'
    : 'only what parts say of themselves was looked at; --read-data reads them'
  const size = `${totals.parts} parts, ${formatBytes(totals.bytes)}`
  return [...told, `${totals.sessions} verified: ${states.join(', ')} (${size}; ${read})`].join('\n')
}

function linesOf({sessionId, state, findings, error}: VerifyOutcome): string[] {
  return [`${sanitizeLine(sessionId)}  ${WORDS[state]}`, ...findings.map(lineOf), ...(error ? failureLines(error) : [])]
}

function lineOf({code, severity, subpath, key, line, count, message}: VerifyFinding): string {
  const transcript = subpath === undefined ? [] : [subpath]
  const place = [...transcript, ...(key === undefined ? [] : [key]), ...(line === undefined ? [] : [`line ${line}`])]
  const more = count > 1 ? ` (and ${count - 1} more)` : ''
  const where = place.length === 0 ? '' : `${place.join(', ')}: `
  return sanitizeLine(`- ${severity} ${code}: ${where}${message}${more}`).replace(/^/, '  ')
}
