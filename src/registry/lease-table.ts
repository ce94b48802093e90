import type {LeaseRecord} from './lease-record.js'

/**
 * The port through which lease records are kept: one a session, changed by conditional writes alone. Adapters: `StoreLeaseTable`
 * (objects of the store itself), `DynamoLeaseTable`. The suite in test/support/lease-suite.ts is the definition of an adapter.
 *
 * A record is never deleted and has no end of its own: its epoch must outlive every holder. All dates are those that the service
 * gave in its answers, ms since the epoch.
 */
export interface LeaseTable {
  /** Where the records lie, as `.reprise/store.json` names it: `store`, or a URL. */
  readonly place: string

  /** Its dates are of the clock that dates the parts. Where they are not, the two are never compared. */
  readonly sharesClockWithParts: boolean

  /** What stands there at an instant after the call; undefined when there is no record. @throws LEASE_DAMAGED */
  read(sessionId: string): Promise<StoredLease | undefined>

  /**
   * Writes in one step when the record there is of the version `replaces`, or, without one, when there is none.
   *
   * @returns undefined when the condition did not hold, or an earlier try of this very write made it so: look what is there.
   */
  write(sessionId: string, record: LeaseRecord, replaces: string | undefined): Promise<LeaseAnswer | undefined>

  /** The service's clock, by a request that costs little. */
  date(sessionId: string): Promise<number>

  /** Versions of the records of these sessions, and maybe of others; a session without a record is left out. */
  versions(sessionIds: readonly string[]): Promise<ReadonlyMap<string, string>>

  /** Every record, in no promised order and maybe a few seconds old. One that cannot be read is left out. */
  list(): AsyncIterable<ListedLease>
}

export interface LeaseAnswer {
  /** Opaque; changes with every write that changes the record. */
  readonly version: string
  readonly date: number
}

export interface StoredLease extends LeaseAnswer {
  readonly record: LeaseRecord
}

export interface ListedLease extends StoredLease {
  readonly sessionId: string
}
