import {hasCode, type RepriseError} from '../base/errors.js'
import {SessionLease} from '../registry/session-lease.js'
import {leaseContext, type SyncContext} from './context.js'
import {requireConditions} from './store-agreement.js'

const ASK_EVERY_MS = 2_000

export interface HoldOptions {
  /** How long to wait for another holder, ms. Default: not at all. */
  readonly waitMs?: number
  /** Take it over at once. */
  readonly force?: boolean
  readonly signal?: AbortSignal
  /** Told once, when waiting begins. */
  readonly onWait?: (held: RepriseError) => void
}

/**
 * The lease of a session, for as long as a claude runs.
 *
 * @throws LEASE_HELD after the wait; CONDITIONS_IGNORED where the store cannot keep two writers apart.
 */
export async function holdSession(
  context: SyncContext,
  sessionId: string,
  {waitMs = 0, force = false, signal, onWait}: HoldOptions = {},
): Promise<SessionLease> {
  const {clock} = context
  await requireConditions(context)
  let told = false
  for (let waited = 0; ; waited += ASK_EVERY_MS) {
    try {
      return await SessionLease.acquire(leaseContext(context), sessionId, {force})
    } catch (error) {
      if (!hasCode(error, 'LEASE_HELD') || waited >= waitMs) throw error
      if (!told) onWait?.(error)
      told = true
      await clock.sleep(Math.min(ASK_EVERY_MS, waitMs - waited), signal)
    }
  }
}
