import type {TranscriptView} from '../../store/view.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

const DEFAULT_THRESHOLD = 64

/** More parts than a transcript is let grow to. */
export function manyParts({sync}: Patient, view: TranscriptView): readonly Found[] {
  const {length} = view.listing.parts
  const threshold = sync.compactAt || DEFAULT_THRESHOLD
  if (length <= threshold) return []
  return [
    {
      code: 'many-parts',
      severity: 'warning',
      subject: subjectOf(view),
      what: `it has ${length} parts`,
      means: `each costs a request when the session is read; ${threshold} is where merging begins`,
      mend: `reprise compact ${view.ref.sessionId}`,
    },
  ]
}
