import pMap from 'p-map'
import {RepriseError} from '../base/errors.js'
import {againWhenMoved, type PartListing, Parts} from '../store/parts.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {findingCode} from '../sync/verify-findings.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'
import {besideChain} from './transcripts/beside-chain.js'
import {futurePart} from './transcripts/future-part.js'
import {interruptedMerge} from './transcripts/interrupted-merge.js'
import {fencedParts} from './transcripts/fenced-parts.js'
import {lostMetadata} from './transcripts/lost-metadata.js'
import {manyParts} from './transcripts/many-parts.js'
import {openRebase} from './transcripts/open-rebase.js'

const AT_ONCE = 8

/** Looks at one transcript as it is resolved. */
export type TranscriptCheck = (patient: Patient, view: TranscriptView) => Promise<readonly Found[]> | readonly Found[]

const CHECKS: readonly TranscriptCheck[] = [
  interruptedMerge,
  openRebase,
  besideChain,
  fencedParts,
  lostMetadata,
  manyParts,
  futurePart,
]

/** All transcripts of all sessions, one request for each part; none is held longer than it is looked at. */
export const transcriptsCheck: DoctorCheck = {
  name: 'transcripts',
  needsStore: true,
  async look(patient, {signal, tell}) {
    const sessions = await patient.survey.stored()
    const listings = sessions.flatMap(({transcripts}) => transcripts).filter(({parts}) => parts.length > 0)
    let done = 0
    const found = await pMap(
      listings,
      async (listing) => {
        signal?.throwIfAborted()
        const own = await lookAt(patient, listing)
        tell(`${++done} of ${listings.length}`)
        return own
      },
      {concurrency: AT_ONCE},
    )
    return found.flat()
  },
}

async function lookAt(patient: Patient, first: PartListing): Promise<readonly Found[]> {
  // What is known of parts is forgotten with it: memory does not grow with the store.
  const parts = new Parts(patient.sync.store)
  let given: PartListing | undefined = first
  try {
    return await againWhenMoved(async () => {
      const listing = given ?? (await parts.list(first.ref))
      given = undefined
      const view = await viewTranscript(parts, first.ref, {listing, journals: 'always'})
      const found = await Promise.all(CHECKS.map(async (check) => check(patient, view)))
      return found.flat()
    })
  } catch (error) {
    if (!(error instanceof RepriseError) || error.kind !== 'bad-data') throw error
    return [unreadable(first, error)]
  }
}

function unreadable({ref}: PartListing, {code, message, suggestions}: RepriseError): Found {
  return {
    code: findingCode(code),
    severity: 'problem',
    subject: ref.sessionId,
    what: message,
    means: 'the session can be neither read nor written as it is; other sessions are not touched by it',
    mend: suggestions.find((each) => each !== 'reprise doctor') ?? `reprise verify ${ref.sessionId} --read-data`,
  }
}
