import {isFree} from '../registry/lease-record.js'
import {leaseTable, type SyncContext} from '../sync/context.js'

/** Whether somebody who may be alive has the session. */
export async function isHeldByAnother(sync: SyncContext, sessionId: string): Promise<boolean> {
  const found = await leaseTable(sync).read(sessionId)
  return found !== undefined && !isFree(found.record, found.date) && !sync.isDead(found.record.owner)
}
