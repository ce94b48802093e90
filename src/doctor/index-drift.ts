import pMap from 'p-map'
import {hasCode} from '../base/errors.js'
import {loadTranscript} from '../store/load.js'
import {HOME_PREFIX, SUMMARY_PREFIX} from '../store/names.js'
import type {SessionListing} from '../store/parts.js'
import {summaryOf, writeSummary} from '../store/summary-record.js'
import type {SyncContext} from '../sync/context.js'
import {LineSplitter} from '../transcript/lines.js'
import {addLine, emptySummary} from '../transcript/summary.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'

/** What was changed within this time may be at it still. */
const SETTLED_MS = 10 * 60_000
const READS_AT_ONCE = 16

/** Records that say where sessions are and what they are called, against the sessions themselves. */
export const indexCheck: DoctorCheck = {
  name: 'index',
  needsStore: true,
  async look(patient) {
    const stored = await patient.survey.stored()
    const byId = new Map<string, SessionListing[]>()
    for (const each of stored) byId.set(each.ref.sessionId, [...(byId.get(each.ref.sessionId) ?? []), each])
    return [...(await summaries(patient, byId)), ...(await homes(patient, byId)), ...twice(byId)]
  },
}

type ById = ReadonlyMap<string, readonly SessionListing[]>

async function summaries({survey, sync}: Patient, byId: ById): Promise<readonly Found[]> {
  const {objects, date} = await survey.below(SUMMARY_PREFIX)
  const told = new Map(
    objects.map((object) => [object.key.slice(SUMMARY_PREFIX.length).replace(/\.json$/, ''), object]),
  )
  const orphaned = [...told].filter(([id, {modified}]) => !byId.has(id) && modified < date - SETTLED_MS)
  const lacking = [...byId].filter(([id]) => !told.has(id))
  return [
    ...orphaned.map(([sessionId, {key}]): Found => ({
      code: 'summary-orphaned',
      severity: 'note',
      subject: sessionId,
      what: 'a summary for listings tells of a session that is not stored',
      means: 'it is left out of listings; the session was removed, or lies in another prefix',
      mend: 'reprise doctor --fix',
      fix: async () => {
        const {failed} = await sync.store.delete([key])
        return failed.length === 0 ? 'removed' : undefined
      },
    })),
    ...lacking.flatMap(([sessionId, [listing]]): Found[] =>
      listing === undefined || mainParts(listing) === 0
        ? []
        : [
            {
              code: 'summary-missing',
              severity: 'note',
              subject: sessionId,
              what: 'there is no summary of it for listings',
              means: 'reprise ls shows its size and dates alone, as of sessions that other programs wrote',
              mend: 'reprise doctor --fix',
              fix: async () => rebuildSummary(sync, listing),
            },
          ],
    ),
  ]
}

function mainParts({transcripts}: SessionListing): number {
  return transcripts.find(({ref}) => ref.subpath === undefined)?.parts.length ?? 0
}

async function rebuildSummary(sync: SyncContext, listing: SessionListing): Promise<string> {
  let summary = emptySummary
  let splitter = new LineSplitter({onTooLong: 'report'})
  const {ref} = listing
  await loadTranscript(sync.parts, ref, {
    begin() {
      summary = emptySummary
      splitter = new LineSplitter({onTooLong: 'report'})
    },
    write(chunk) {
      for (const line of splitter.push(chunk)) summary = addLine(summary, line)
    },
  })
  await writeSummary(sync.store, summaryOf(ref, sync.machine, summary, {parts: mainParts(listing)}))
  return 'written anew from its parts'
}

async function homes({sync, survey}: Patient, byId: ById): Promise<readonly Found[]> {
  const {objects} = await survey.below(HOME_PREFIX)
  const found = await pMap(
    objects,
    async ({key}): Promise<readonly Found[]> => {
      const sessionId = key.slice(HOME_PREFIX.length)
      const at = (byId.get(sessionId) ?? []).map(({ref}) => ref.homeKey)
      const recorded = await recordedHome(sync, sessionId)
      if (recorded === 'damaged') return [damagedHome(key)]
      if (recorded === undefined || at.length === 0 || at.includes(recorded)) return []
      return [elsewhere(sessionId, recorded, at)]
    },
    {concurrency: READS_AT_ONCE},
  )
  return found.flat()
}

async function recordedHome({homes: records}: SyncContext, sessionId: string): Promise<string | undefined> {
  return records.recorded(sessionId).catch((error: unknown) => {
    if (hasCode(error, 'HOME_DAMAGED', 'OBJECT_TOO_LARGE')) return 'damaged'
    throw error
  })
}

function damagedHome(key: string): Found {
  return {
    code: 'home-damaged',
    severity: 'problem',
    subject: key,
    what: 'the record of the project key that the session lies under cannot be read',
    means: 'no command finds the session (exit code 7)',
    mend: 'Restore the object, or delete it: the next command looks through the project keys and records it anew.',
  }
}

function elsewhere(sessionId: string, recorded: string, at: readonly string[]): Found {
  return {
    code: 'home-elsewhere',
    severity: 'problem',
    subject: sessionId,
    what: `its record names the project key ${recorded}, and its parts lie under ${at.join(' and ')}`,
    means: 'commands look where the record says and find nothing: somebody moved the parts',
    mend: `Move them back below ${recorded}/, or delete ${HOME_PREFIX}${sessionId} to have it recorded anew.`,
  }
}

function twice(byId: ById): readonly Found[] {
  return [...byId].flatMap(([sessionId, listings]): Found[] =>
    listings.length < 2
      ? []
      : [
          {
            code: 'session-twice',
            severity: 'note',
            subject: sessionId,
            what: `it lies under several project keys: ${listings.map(({ref}) => ref.homeKey).join(', ')}`,
            means: 'commands take the recorded one; the Agent SDK keeps both apart',
            mend: `reprise verify ${sessionId}`,
          },
        ],
  )
}
