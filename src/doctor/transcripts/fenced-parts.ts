import {LeasedTranscript} from '../../store/leased-transcript.js'
import {type TranscriptView, viewTranscript} from '../../store/view.js'
import {mayDelete} from '../../store/probe.js'
import {isBeside} from '../../store/settle-transcript.js'
import {writeContext} from '../../sync/context.js'
import {underLease} from '../../sync/session-lease.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

/** What a worker sent after it had lost the session, where it landed. */
export function fencedParts(patient: Patient, view: TranscriptView): readonly Found[] {
  const {fenced, slices} = view.resolution
  const used = new Set(slices.map(({part}) => part.name))
  const count = fenced.filter(({name}) => !used.has(name)).length
  if (count === 0) return []
  return [
    {
      code: 'fenced-parts',
      severity: 'warning',
      subject: subjectOf(view),
      what: `${count} parts were sent by a worker that had lost the session`,
      means: 'reprise leaves them out; programs that know nothing of leases read them as part of the conversation',
      mend: 'reprise doctor --fix moves them to .reprise/late/',
      fix: async () => sweep(patient, view),
    },
  ]
}

async function sweep({sync}: Patient, view: TranscriptView): Promise<string | undefined> {
  const {ref} = view
  if (!(await mayDelete(sync.store, sync.machine))) return undefined
  return underLease(sync, ref.sessionId, async (lease) => {
    // An empty part on top would cut off what a copy of the bucket left without its predecessor: that is for `compact` to adopt.
    if (isBeside(await viewTranscript(sync.parts, ref, {journals: 'always'}))) return undefined
    const transcript = new LeasedTranscript(writeContext(sync), lease, ref)
    await transcript.settle({adopt: false})
    // Only who stands at the end of the chain may sweep below it.
    await transcript.stand()
    const moved = await transcript.sweep()
    await transcript.tidy()
    // Where another wrote in the last minutes they are deleted later: readers may be at them.
    const names = new Set(view.resolution.fenced.map(({name}) => name))
    const left = (await sync.parts.list(ref)).parts.some(({name}) => names.has(name))
    return moved === 0 || left ? undefined : `${moved} moved to .reprise/late/`
  })
}
