import pMap from 'p-map'
import type {SessionListing} from '../store/parts.js'
import type {LocalSession} from '../transcript/discover.js'
import {leaseTable, type SyncContext} from './context.js'
import type {SessionLook} from './push-session.js'

const LISTINGS_AT_ONCE = 8
const STATES_AT_ONCE = 32
/** Fewer are asked for one by one. */
const MANY = 4

/**
 * How sessions stand in the store, from one listing for each home key and one of the lease records, whatever their number. Of those
 * that this machine has not met in the store yet a few listings more tell which are new there; the others are left out.
 */
export async function lookAtSessions(
  context: SyncContext,
  sessions: readonly LocalSession[],
): Promise<ReadonlyMap<string, SessionLook>> {
  const {byHome, unmet} = await groupByHome(context, sessions)
  const listings = await pMap(
    byHome,
    async ([homeKey, sessionIds]): Promise<SessionListing[]> => {
      const [only, ...more] = sessionIds
      // The key may hold the sessions of a whole fleet.
      if (only !== undefined && more.length === 0) return [await context.parts.listSession({homeKey, sessionId: only})]
      const found = await context.parts.listProject(homeKey)
      return [...sessionIds].map((sessionId) => found.get(sessionId) ?? nothingStored(homeKey, sessionId))
    },
    {concurrency: LISTINGS_AT_ONCE},
  )
  const untold = unmet.length < MANY ? new Set() : await context.homes.untold(unmet.map(({sessionId}) => sessionId))
  // After the parts: what the records say then holds for what was listed.
  const leases = await leaseTable(context).versions(listings.flat().map(({ref}) => ref.sessionId))
  const looks = listings.flat().map((listing) => ({listing, lease: leases.get(listing.ref.sessionId)}))
  const copies = new Map<string, number>()
  for (const {sessionId} of sessions) copies.set(sessionId, (copies.get(sessionId) ?? 0) + 1)
  const news = unmet
    .filter(({sessionId}) => untold.has(sessionId) && copies.get(sessionId) === 1)
    .map(({sessionId, projectKey}) => ({
      listing: nothingStored(projectKey, sessionId),
      lease: leases.get(sessionId),
      isNew: true,
    }))
  return new Map([...looks, ...news].map((look) => [look.listing.ref.sessionId, look]))
}

async function groupByHome(
  {state}: SyncContext,
  sessions: readonly LocalSession[],
): Promise<{
  readonly byHome: ReadonlyMap<string, ReadonlySet<string>>
  readonly unmet: readonly LocalSession[]
}> {
  const byHome = new Map<string, Set<string>>()
  const unmet: LocalSession[] = []
  await pMap(
    sessions,
    async (session) => {
      const {sessionId} = session
      const {homeKey} = await state.read(sessionId)
      if (homeKey === undefined) {
        unmet.push(session)
        return
      }
      const ids = byHome.get(homeKey) ?? new Set()
      byHome.set(homeKey, ids.add(sessionId))
    },
    {concurrency: STATES_AT_ONCE},
  )
  return {byHome, unmet}
}

function nothingStored(homeKey: string, sessionId: string): SessionListing {
  const ref = {homeKey, sessionId}
  return {ref, transcripts: [{ref, parts: [], date: 0}], ignored: [], date: 0}
}
