import pMap from 'p-map'
import type {SessionListing} from '../store/parts.js'
import type {LocalSession} from '../transcript/discover.js'
import {leaseTable, type SyncContext} from './context.js'
import type {SessionLook} from './push-session.js'

const LISTINGS_AT_ONCE = 8
const STATES_AT_ONCE = 32

/**
 * How sessions stand in the store, from one listing for each home key and one of the lease records, whatever their number. A
 * session of which this machine does not know yet where it lies in the store is left out.
 */
export async function lookAtSessions(
  context: SyncContext,
  sessions: readonly LocalSession[],
): Promise<ReadonlyMap<string, SessionLook>> {
  const byHome = await groupByHome(context, sessions)
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
  // After the parts: what the records say then holds for what was listed.
  const leases = await leaseTable(context).versions(listings.flat().map(({ref}) => ref.sessionId))
  return new Map(
    listings.flat().map((listing) => {
      const {sessionId} = listing.ref
      return [sessionId, {listing, lease: leases.get(sessionId)}]
    }),
  )
}

async function groupByHome(
  {state}: SyncContext,
  sessions: readonly LocalSession[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const byHome = new Map<string, Set<string>>()
  await pMap(
    sessions,
    async ({sessionId}) => {
      const {homeKey} = await state.read(sessionId)
      if (homeKey === undefined) return
      const ids = byHome.get(homeKey) ?? new Set()
      byHome.set(homeKey, ids.add(sessionId))
    },
    {concurrency: STATES_AT_ONCE},
  )
  return byHome
}

function nothingStored(homeKey: string, sessionId: string): SessionListing {
  const ref = {homeKey, sessionId}
  return {ref, transcripts: [{ref, parts: [], date: 0}], ignored: [], date: 0}
}
