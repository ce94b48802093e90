import type {Logger} from '../base/logger.js'
import {systemClock, systemRandom} from '../base/system.js'
import {deadOwners} from '../cli/dead-owners.js'
import {thisProcess} from '../cli/machine.js'
import type {ObjectStore} from '../object-store/object-store.js'
import type {DynamoRegistry} from '../registry/dynamodb/open.js'
import type {LeaseTable} from '../registry/lease-table.js'
import {parseRegistryUrl} from '../registry/registry-url.js'
import {SessionLease} from '../registry/session-lease.js'
import {StoreLeaseTable} from '../registry/store-lease-table.js'
import type {HeldLease} from '../sdk/session-hold.js'
import {requireConditions} from '../sync/store-agreement.js'
import type {StoreSettings} from './open-object-store.js'
import {tableOpener} from './open-table.js'

/** Takes leases for sessions of a program's store, where the fleet keeps them. */
export class LeaseKeeper {
  readonly #openTable: (() => Promise<DynamoRegistry>) | undefined
  #table: Promise<DynamoRegistry> | undefined

  /** @param registry `store`, or `dynamodb://table`. @throws REGISTRY_INVALID */
  constructor(registry: string, settings: StoreSettings, logger: Logger) {
    const url = parseRegistryUrl(registry)
    if (url.kind === 'dynamodb') this.#openTable = tableOpener(url, settings, logger)
  }

  /** @throws LEASE_HELD, CONDITIONS_IGNORED, REGISTRY_MISMATCH */
  async acquire(store: ObjectStore, sessionId: string): Promise<HeldLease> {
    const leases = await this.#leases(store)
    await requireConditions({store, random: systemRandom, leases})
    const owner = await thisProcess()
    const context = {
      table: leases,
      clock: systemClock,
      random: systemRandom,
      owner,
      isDead: deadOwners(owner),
    }
    return SessionLease.acquire(context, sessionId)
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const table = await this.#table?.catch(() => undefined)
    this.#table = undefined
    table?.close()
  }

  async #leases(store: ObjectStore): Promise<LeaseTable> {
    if (!this.#openTable) return new StoreLeaseTable(store)
    this.#table ??= this.#openTable()
    const opening = this.#table
    try {
      return (await opening).leases
    } catch (error) {
      // The next session tries again.
      if (this.#table === opening) this.#table = undefined
      throw error
    }
  }
}
