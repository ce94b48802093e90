/**
 * The right to write a session, as the part protocol needs it; `registry/` implements it. Every method rejects with LEASE_LOST
 * once another holds the record: nothing more may then be written, acknowledged or reported as stored under it.
 */
export interface Lease {
  /** Grows with every acquisition and with every raise. Parts written under the lease carry it. */
  readonly epoch: number
  /** The last epoch that was taken over without a release: its holder may still have requests on the way. */
  readonly cutOff: number
  /** This acquisition had to create the record: the session is new, or the record got lost. */
  readonly created: boolean
  /**
   * The clock of the parts' store at its last answer about the lease, ms since the epoch. Undefined where leases lie in another
   * service, whose dates are never compared with those of parts.
   */
  readonly date: number | undefined

  /** After it resolves, the lease was held at an instant after the call. */
  renew(): Promise<void>

  /** Renews, with an epoch above both the own one and `listed`. @throws EPOCH_JUMP when `listed` cannot be true. */
  raiseAbove(listed: number): Promise<void>

  /**
   * For a created record whose session turns out to have parts of epochs up to `listed`: raises above them, names them cut
   * off, and waits until no holder of the lost record can still believe that it holds. List again after it.
   */
  recover(listed: number): Promise<void>

  /**
   * Resolves when a write that the store answered at `date` is known to have landed under the lease: by that date, or by a
   * renewal after it.
   */
  confirm(date: number): Promise<void>
}
