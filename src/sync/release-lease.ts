import {RepriseError} from '../base/errors.js'
import {SessionLease} from '../registry/session-lease.js'
import {leaseContext, leaseTable, type SyncContext} from './context.js'
import {type LeaseSummary, summaryOf} from './list-leases.js'
import {requireConditions} from './store-agreement.js'

export interface ReleasedLease {
  readonly sessionId: string
  /** `unchanged`: nobody had it. */
  readonly action: 'released' | 'unchanged'
  /** As it was found. */
  readonly lease: LeaseSummary
}

export interface ReleaseOptions {
  /** Also from a holder that may still be alive. */
  readonly force: boolean
  /** Asked before anything is written. */
  readonly approve: (lease: LeaseSummary) => Promise<boolean>
}

/**
 * Gives back the lease of a worker that is gone: by taking it over first, as the next worker would, so that what the other one may still
 * have on its way is cut off. Idempotent.
 *
 * @returns undefined when it was not approved.
 * @throws LEASE_NOT_FOUND; LEASE_HELD by a holder that may be alive.
 */
export async function releaseLease(
  context: SyncContext,
  sessionId: string,
  {force, approve}: ReleaseOptions,
): Promise<ReleasedLease | undefined> {
  const found = await leaseTable(context).read(sessionId)
  if (!found) throw noLease(sessionId)
  const lease = summaryOf({sessionId, ...found}, context)
  if (lease.state === 'released') return {sessionId, action: 'unchanged', lease}
  if (lease.state === 'held' && !force) throw stillHeld(lease)
  await requireConditions(context)
  if (!(await approve(lease))) return undefined
  const taken = await SessionLease.acquire(leaseContext(context), sessionId, {force})
  await taken.release()
  return {sessionId, action: 'released', lease}
}

function noLease(sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'LEASE_NOT_FOUND',
    message: `nobody has ever held session ${sessionId}`,
    suggestions: ['reprise lease ls --all'],
  })
}

function stillHeld({sessionId, machine, pid, expiresAt}: LeaseSummary): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'LEASE_HELD',
    message: `session ${sessionId} is held by process ${pid} on ${machine} until ${expiresAt}`,
    suggestions: [
      'When that process is gone, the lease ends by itself at that time.',
      'Take it away now, when it is known to be gone: --force',
    ],
    details: {sessionId, machine, pid, expiry: expiresAt},
  })
}
