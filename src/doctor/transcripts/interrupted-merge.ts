import {finishCompaction} from '../../store/compact-transcript.js'
import {Parts} from '../../store/parts.js'
import {planCompaction} from '../../store/plan-compaction.js'
import {viewTranscript, type TranscriptView} from '../../store/view.js'
import {mayDelete} from '../../store/probe.js'
import {isHeldByAnother} from '../held.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

/** Readers that know nothing of merges may be at what they have listed. */
const GRACE_MS = 60_000

/** A merge whose inputs are still there: it was interrupted, or waits for its grace. */
export function interruptedMerge(patient: Patient, view: TranscriptView): readonly Found[] {
  // An empty part is a barrier that others went on from, and no sign of anything.
  const leftovers = planCompaction(view).leftovers.filter(({part}) => part.size > 0)
  if (leftovers.length === 0) return []
  const {sessionId} = view.ref
  return [
    {
      code: 'merge-interrupted',
      severity: 'warning',
      subject: subjectOf(view),
      what: `${leftovers.length} parts are still there that were merged into others`,
      means: 'nothing is lost, and reprise reads each line once; programs that know nothing of merges read some twice',
      mend: `reprise doctor --fix, or reprise compact ${sessionId}`,
      fix: async () => finishDeletes(patient, view),
    },
  ]
}

/** From a new look: what was needless may have become the last copy, in the hands of a store that lost something. */
async function finishDeletes({sync}: Patient, {ref}: TranscriptView): Promise<string | undefined> {
  if (!(await mayDelete(sync.store, sync.machine)) || (await isHeldByAnother(sync, ref.sessionId))) return undefined
  const parts = new Parts(sync.store)
  const view = await viewTranscript(parts, ref, {journals: 'always'})
  const due = planCompaction(view).leftovers.filter(({cover}) => cover.modified + GRACE_MS <= view.listing.date)
  const keys = due.map(({part}) => part.key)
  if (keys.length === 0) return undefined
  const done = await finishCompaction(parts, keys)
  return done === keys.length ? `${done} deleted` : undefined
}
