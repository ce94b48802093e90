import {readFile, stat} from 'node:fs/promises'
import {join} from 'node:path'
import {changedMs} from '../sync/select-local.js'
import {statusOf} from '../sync/status.js'
import {parseObject} from '../transcript/entry-identity.js'
import type {LocalSession} from '../transcript/discover.js'
import type {Found} from './finding.js'
import type {DoctorCheck, Patient} from './patient.js'

const DAY_MS = 24 * 3_600_000
/** Claude's own, where its settings name none. */
const KEPT_DAYS = 30
const WARNED_DAYS = 7
const STATUS_AT_ONCE = 4

/** The sessions of this machine: whether there are any, or some twice. */
export const localCheck: DoctorCheck = {
  name: 'sessions here',
  needsStore: false,
  async look({sync, survey}) {
    const here = await survey.local()
    return here.length === 0 ? [await noneHere(sync.configDir)] : copies(here)
  },
}

/** Those that would go with this disk, or that Claude is about to delete. */
export const unstoredCheck: DoctorCheck = {
  name: 'unstored sessions',
  needsStore: true,
  async look(patient) {
    const here = await patient.survey.local()
    if (here.length === 0) return []
    const stored = new Set((await patient.survey.stored()).map(({ref}) => ref.sessionId))
    return [...neverStored(here, stored), ...(await expiring(patient, here))]
  },
}

async function noneHere(configDir: string): Promise<Found> {
  const exists = (await stat(configDir).catch(() => undefined))?.isDirectory() === true
  return {
    code: exists ? 'no-sessions-here' : 'config-dir-missing',
    severity: 'note',
    subject: configDir,
    what: exists ? 'Claude keeps no session in this directory' : 'there is no such directory',
    means: 'there is nothing to push; a pull makes what it needs',
    mend: 'If Claude keeps its files elsewhere: --config-dir, or CLAUDE_CONFIG_DIR. Else: reprise pull --all',
  }
}

function copies(here: readonly LocalSession[]): readonly Found[] {
  const byId = new Map<string, LocalSession[]>()
  for (const each of here.filter(({main}) => main))
    byId.set(each.sessionId, [...(byId.get(each.sessionId) ?? []), each])
  return [...byId].flatMap(([sessionId, all]): Found[] => {
    const [newest, ...stale] = all.toSorted((a, b) => changedMs(b) - changedMs(a))
    if (!newest || stale.length === 0) return []
    return [
      {
        code: 'second-copy',
        severity: 'warning',
        subject: sessionId,
        what: `it lies here under ${all.length} project keys; last changed under ${newest.projectKey}`,
        means: 'claude takes the copy of the directory that it is started in, even when that is the older one',
        mend: `reprise diff ${sessionId}, then remove ${stale.map(({main}) => main?.path ?? '').join(' and ')}`,
      },
    ]
  })
}

function neverStored(here: readonly LocalSession[], stored: ReadonlySet<string>): readonly Found[] {
  const unstored = new Set(here.filter(({sessionId}) => !stored.has(sessionId)).map(({sessionId}) => sessionId))
  if (unstored.size === 0) return []
  const [only] = unstored
  return [
    {
      code: 'not-stored',
      severity: 'warning',
      ...(unstored.size === 1 && only !== undefined && {subject: only}),
      what: `${unstored.size} sessions of this machine have never been stored`,
      means:
        'they go with this disk; nothing stores a session by itself unless it was started with reprise run or resume',
      mend: 'reprise push --all',
    },
  ]
}

/** Claude deletes transcripts when it starts, by the time of their last change. */
async function expiring(patient: Patient, here: readonly LocalSession[]): Promise<readonly Found[]> {
  const {sync, processes} = patient
  const days = await keptDays(sync.configDir)
  const ends = (session: LocalSession): number => changedMs(session) + days * DAY_MS
  const soon = here.filter((session) => ends(session) < sync.clock.now() + WARNED_DAYS * DAY_MS)
  if (soon.length === 0) return []
  const {sessions} = await statusOf(sync, soon, {processes, concurrency: STATUS_AT_ONCE})
  const isSafe = new Set(
    sessions.filter(({state}) => state === 'stored' || state === 'behind').map(({sessionId}) => sessionId),
  )
  return soon
    .filter(({sessionId}) => !isSafe.has(sessionId))
    .map((session) => ({
      code: 'expires-unstored',
      severity: 'problem',
      subject: session.sessionId,
      what: `not all of it is stored, and Claude deletes it when it starts after ${new Date(ends(session)).toISOString()}`,
      means: `transcripts go ${days} days after their last change ("cleanupPeriodDays" in Claude's settings)`,
      mend: `reprise push ${session.sessionId}`,
    }))
}

async function keptDays(configDir: string): Promise<number> {
  const bytes = await readFile(join(configDir, 'settings.json')).catch(() => undefined)
  const days = bytes && parseObject(bytes)?.['cleanupPeriodDays']
  return typeof days === 'number' && days >= 0 ? days : KEPT_DAYS
}
