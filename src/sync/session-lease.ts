import {hasCode, RepriseError} from '../base/errors.js'
import type {LeaseRecord} from '../registry/lease-record.js'
import {isFree} from '../registry/lease-record.js'
import {leaseHeld} from '../registry/lease-errors.js'
import type {StoredLease} from '../registry/lease-table.js'
import {SessionLease} from '../registry/session-lease.js'
import {isMetadataPart, isRanged, type PartRange} from '../store/part.js'
import type {PartListing} from '../store/parts.js'
import {settleStoreRecord} from '../store/probe.js'
import {leaseContext, leaseTable, type SyncContext} from './context.js'

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
 * Whether what is listed stays: a holder of the lease that has not looked yet may still fence leased parts of an epoch that was cut off
 * where no later epoch stands on them, and nothing else. One request, unless a part that nobody can fence stands on one that may be.
 */
export async function isAssured(
  {parts}: Pick<SyncContext, 'parts'>,
  {parts: listed}: Pick<PartListing, 'parts'>,
  record: LeaseRecord | undefined,
): Promise<boolean> {
  if (!record || record.cutOff === 0) return true
  const chain = listed.filter((part) => !isMetadataPart(part))
  const last = chain.at(-1)
  const end = last && (await parts.range(last))
  if (!last || (end && outlasts(end, record))) return true
  if (end?.leased) return false
  const leased = (await parts.describe(chain)).filter(isRanged).filter(({range}) => range.leased)
  return leased.length === 0 || leased.some(({range}) => outlasts(range, record))
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

/**
 * Leases need a store that keeps conditional writes, and workers that keep them in one place.
 *
 * @throws CONDITIONS_IGNORED, REGISTRY_MISMATCH
 */
export async function requireConditions({store, random}: Pick<SyncContext, 'store' | 'random'>): Promise<void> {
  const {conditions, registry} = await settleStoreRecord(store, random, 'store')
  if (!conditions) throw conditionsIgnored(store.url)
  if (registry !== 'store') throw registryMismatch(store.url, registry)
}

function conditionsIgnored(url: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'CONDITIONS_IGNORED',
    message: `${url} does not keep conditional writes: two workers could write one session without noticing`,
    suggestions: [
      'Use a store that keeps them (Amazon S3, MinIO, versitygw, SeaweedFS, a file store).',
      'Resume or run without a lease, when nobody else writes this session: --no-lease',
    ],
  })
}

function registryMismatch(url: string, registry: string): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'REGISTRY_MISMATCH',
    message: `the workers of ${url} keep their leases in ${registry}, and this one would keep them in the store`,
    suggestions: [`Use the same one: --registry ${registry}`],
  })
}
