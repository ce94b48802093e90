import {openJournals} from '../../store/rebase.js'
import type {TranscriptView} from '../../store/view.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

/** A rebase that was not marked as done, or whose deletes were not finished. */
export function openRebase(_patient: Patient, view: TranscriptView): readonly Found[] {
  const open = openJournals(view).length
  const {displaced} = view.resolution
  if (open === 0 && displaced.length === 0) return []
  return [
    {
      code: 'rebase-interrupted',
      severity: 'warning',
      subject: subjectOf(view),
      what:
        open > 0
          ? 'a writer that replaced a part of the session was interrupted'
          : `${displaced.length} parts are still there that were replaced`,
      means: 'reprise reads the session as it is meant; the next holder of its lease finishes it',
      mend: `reprise compact ${view.ref.sessionId}`,
    },
  ]
}
