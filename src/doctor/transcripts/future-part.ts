import type {TranscriptView} from '../../store/view.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

const DAY_MS = 24 * 3_600_000
const YEAR_MS = 365 * DAY_MS

/** A name that is ahead of the store's clock: whoever wrote it had a wrong one, or named it by hand. */
export function futurePart(_patient: Patient, view: TranscriptView): readonly Found[] {
  const {parts, date} = view.listing
  const last = parts.toSorted((a, b) => (a.parsed?.ms ?? 0) - (b.parsed?.ms ?? 0)).at(-1)
  const ahead = (last?.parsed?.ms ?? 0) - date
  if (!last || ahead <= DAY_MS) return []
  const isBlocking = ahead > YEAR_MS
  return [
    {
      code: 'part-from-future',
      severity: isBlocking ? 'problem' : 'warning',
      subject: subjectOf(view),
      what: `${last.key} is named ${Math.round(ahead / DAY_MS)} days ahead of the store's clock`,
      means: isBlocking
        ? 'nothing can be appended behind it (exit code 7); reading works'
        : 'what follows is named after it, and programs take its time for that of the session',
      mend: isBlocking
        ? 'If no writer of yours made it, move it out of that prefix. Else: reprise push --fork'
        : 'Set the clock of the machine that wrote it.',
    },
  ]
}
