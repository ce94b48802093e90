import {isFree} from '../registry/lease-record.js'
import type {ListedLease} from '../registry/lease-table.js'
import {leaseTable, type SyncContext} from './context.js'

/**
 * - `held`: its holder alone may write the session.
 * - `dead`: the same, but the holder's process is known here not to run any more: whoever comes next gets it at once.
 * - `expired`: the holder did not give it back; it is free.
 * - `released`: it is free.
 */
export type LeaseState = 'held' | 'dead' | 'expired' | 'released'

/** A lease as people see it. Times are ISO 8601 UTC, by the clock of the service that keeps it. */
export interface LeaseSummary {
  readonly sessionId: string
  readonly state: LeaseState
  /** Of the holder, or the last one. */
  readonly machine: string
  readonly pid: number
  readonly epoch: number
  readonly acquiredAt: string
  readonly expiresAt: string
}

export interface ListLeasesOptions {
  /** Released ones too: there is one for each session that was ever held. */
  readonly all: boolean
}

/**
 * The last taken first.
 *
 * @param contexts parts of a store; what they have in one table is listed once.
 */
export async function listLeases(
  contexts: readonly SyncContext[],
  {all}: ListLeasesOptions,
): Promise<readonly LeaseSummary[]> {
  const tables = new Map(
    contexts.map((context) => {
      const table = leaseTable(context)
      return [table.place === 'store' ? context.store.url : table.place, {context, table}]
    }),
  )
  const leases: LeaseSummary[] = []
  for (const {context, table} of tables.values()) {
    for await (const lease of table.list()) {
      if (all || !lease.record.released) leases.push(summaryOf(lease, context))
    }
  }
  return leases.toSorted((a, b) => (a.acquiredAt < b.acquiredAt ? 1 : -1))
}

export function summaryOf({sessionId, record, date}: ListedLease, {isDead}: Pick<SyncContext, 'isDead'>): LeaseSummary {
  const {owner, epoch, acquired, expiry, released} = record
  const held = isDead(owner) ? 'dead' : 'held'
  return {
    sessionId,
    state: released ? 'released' : isFree(record, date) ? 'expired' : held,
    machine: owner.machine,
    pid: owner.pid,
    epoch,
    acquiredAt: new Date(acquired).toISOString(),
    expiresAt: new Date(expiry).toISOString(),
  }
}
