import {Parts} from '../../store/parts.js'
import type {TranscriptView} from '../../store/view.js'
import {findLostMetadata} from '../../sync/lost-metadata.js'
import type {Found} from '../finding.js'
import type {Patient} from '../patient.js'
import {subjectOf} from './subject.js'

/** A doctor reads no more of one transcript than this; `verify --read-data` reads all. */
const MOST_READ = 16 * 1024 * 1024

/** Parts that reprise wrote and that say nothing any more: a copy of the bucket, or a server, lost their metadata. */
export async function lostMetadata({sync}: Patient, view: TranscriptView): Promise<readonly Found[]> {
  if (view.resolution.loose.length === 0) return []
  const lost = await findLostMetadata(view, new Parts(sync.store), MOST_READ)
  if (lost.parts.length === 0) return []
  const {sessionId} = view.ref
  return [
    {
      code: 'metadata-lost',
      severity: 'warning',
      subject: subjectOf(view),
      what: `${lost.parts.length} parts that reprise wrote have lost their metadata, as in a copy of a bucket`,
      means: 'no entry is lost, but lines that were fenced or replaced may come back, and reading takes more requests',
      mend: `Copy them again with their metadata, or take them as they are: reprise compact ${sessionId}`,
    },
  ]
}
