import type {Clock, Random} from '../base/clock.js'
import type {Logger} from '../base/logger.js'
import type {Observer} from '../metrics/observer.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {LeaseOwner} from '../registry/lease-record.js'
import type {LeaseTable} from '../registry/lease-table.js'
import type {LeaseContext} from '../registry/session-lease.js'
import {StoreLeaseTable} from '../registry/store-lease-table.js'
import type {Homes} from '../store/home.js'
import type {Parts} from '../store/parts.js'
import type {WriteContext} from '../store/write-part.js'
import type {StoreRecordCache} from './store-agreement.js'
import type {SyncState} from './sync-state.js'

/** What moving sessions between one config dir and one store needs. */
export interface SyncContext {
  readonly store: ObjectStore
  readonly parts: Parts
  readonly homes: Homes
  /** Where leases are kept. Default: in the store. */
  readonly leases?: LeaseTable
  /** Saves reading what the store's workers agreed on. */
  readonly storeRecord?: StoreRecordCache
  readonly clock: Clock
  readonly random: Random
  readonly machine: string
  /** This process, as lease records name it. */
  readonly owner: LeaseOwner
  readonly isDead: (owner: LeaseOwner) => boolean
  readonly state: SyncState
  readonly configDir: string
  /** The uid that must own what is read; undefined where there are none. */
  readonly uid: number | undefined
  /** Where the Claude of that uid keeps what is temporary; without it a second name of its files is known nowhere. */
  readonly claudeTemp?: string
  readonly logger: Logger
  /** Parts of a transcript past which who appends to it compacts it, behind the appends. Absent or 0: nobody does. */
  readonly compactAt?: number
  /** Sessions of more bytes are not brought here. Absent: no limit. */
  readonly maxBytes?: number
  /** Told what a mirror does. */
  readonly observe?: Observer
}

export function writeContext({parts, clock, random, machine}: SyncContext): WriteContext {
  return {parts, clock, random, machine}
}

export function leaseTable({store, leases}: Pick<SyncContext, 'store' | 'leases'>): LeaseTable {
  return leases ?? new StoreLeaseTable(store)
}

export function leaseContext(context: SyncContext): LeaseContext {
  const {clock, random, owner, isDead} = context
  return {table: leaseTable(context), clock, random, owner, isDead}
}
