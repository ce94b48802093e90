import type {TranscriptView} from '../../store/view.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

/** Parts of other programs, and of two writers that did not know of each other. */
export function besideChain(_patient: Patient, view: TranscriptView): readonly Found[] {
  const {loose, forks} = view.resolution
  const {sessionId} = view.ref
  const found: Found[] = []
  if (loose.length > 0) {
    found.push({
      code: 'loose-parts',
      severity: 'note',
      subject: subjectOf(view),
      what: `${loose.length} parts say nothing of their place: another program wrote them`,
      means: 'their lines are read where their names sort, and it takes more requests than a chain',
      mend: `When that program is done with it: reprise compact ${sessionId}`,
    })
  }
  if (forks.length > 0) {
    found.push({
      code: 'forked-parts',
      severity: 'warning',
      subject: subjectOf(view),
      what: `${forks.length} parts stand beside the chain: two wrote without a lease at once, or a part before them is missing`,
      means: 'readers are given the lines of both, each once',
      mend: `reprise verify ${sessionId}, then reprise compact ${sessionId}`,
    })
  }
  return found
}
