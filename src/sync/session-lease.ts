import {hasCode} from '../base/errors.js'
import type {LeaseRecord} from '../registry/lease-record.js'
import {isFree} from '../registry/lease-record.js'
import {leaseHeld} from '../registry/lease-errors.js'
import type {StoredLease} from '../registry/lease-table.js'
import {SessionLease} from '../registry/session-lease.js'
import {isMetadataPart, isRanged, type PartRange} from '../store/part.js'
import type {PartListing} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import {leaseContext, leaseTable, type SyncContext} from './context.js'
import {requireConditions} from './store-agreement.js'

/**
 * The lease record of a session that is to be written without the lease.
 *
 * @throws LEASE_HELD by another that is not known to be dead.
 */
export async function freeLease(context: SyncContext, sessionId: string): Promise<StoredLease | undefined> {
  const found = await leaseTable(context).read(sessionId)
  if (found && !isFree(found.record, found.date) && !context.isDead(found.record.owner)) {
    throw leaseHeld(sessionId, found.record)
  }
  return found
}

/**
 * Whether what is stored stays: a holder of the lease that has not looked yet may still fence leased parts of an epoch that was cut off
 * where no later leased part stands on them, and nothing else. The order is that of the chain, not of the names: a part that lands late
 * may sort before the barrier against it. One request where the last part is leased.
 *
 * @param view where a listing was not enough to tell what is stored.
 */
export async function isAssured(
  {parts}: Pick<SyncContext, 'parts'>,
  listing: Pick<PartListing, 'parts'>,
  view: Pick<TranscriptView, 'resolution'> | undefined,
  record: LeaseRecord | undefined,
): Promise<boolean> {
  if (!record || record.cutOff === 0) return true
  if (view) {
    const {slices, forks} = view.resolution
    if (forks.some(({range}) => range.leased && !outlasts(range, record))) return false
    const last = slices.findLast(({part}) => part.range.leased)
    return !last || outlasts(last.part.range, record)
  }
  const chain = listing.parts.filter((part) => !isMetadataPart(part))
  for (let end = chain.length, count = 1; end > 0; end -= count, count *= 4) {
    const described = await parts.describe(chain.slice(Math.max(0, end - count), end))
    const last = described.filter(isRanged).findLast(({range}) => range.leased)
    if (last) return outlasts(last.range, record)
  }
  return true
}

function outlasts({epoch}: PartRange, {cutOff, epoch: current}: LeaseRecord): boolean {
  return epoch > cutOff || epoch === current
}

/** Runs work under the session's lease and gives it back; left to expire when a request of the work may still be on its way. */
export async function underLease<T>(
  context: SyncContext,
  sessionId: string,
  work: (lease: SessionLease) => Promise<T>,
): Promise<T> {
  await requireConditions(context)
  const lease = await SessionLease.acquire(leaseContext(context), sessionId)
  try {
    const result = await work(lease)
    await lease.release()
    return result
  } catch (error) {
    if (!hasCode(error, 'STORE_UNREACHABLE', 'STORE_THROTTLED', 'LEASE_LOST'))
      await lease.release().catch(() => undefined)
    throw error
  }
}
