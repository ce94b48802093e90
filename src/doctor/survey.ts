import {listAll} from '../object-store/list-all.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import type {SessionListing} from '../store/parts.js'
import type {SyncContext} from '../sync/context.js'
import {listEverySession} from '../sync/verify-many.js'
import {discoverSessions, type LocalSession} from '../transcript/discover.js'

/** What several checks ask for, asked once. */
export class Survey {
  readonly #context: SyncContext
  #stored: Promise<readonly SessionListing[]> | undefined
  #local: Promise<readonly LocalSession[]> | undefined

  constructor(context: SyncContext) {
    this.#context = context
  }

  /** Every session of the store; one that lies under two project keys is there twice. */
  async stored(): Promise<readonly SessionListing[]> {
    this.#stored ??= listEverySession(this.#context)
    return this.#stored
  }

  /** The sessions of this machine. */
  async local(): Promise<readonly LocalSession[]> {
    this.#local ??= discoverSessions(this.#context.configDir).then(({sessions}) => sessions)
    return this.#local
  }

  /** Objects of ours below a prefix, and the store's clock. */
  async below(prefix: string): Promise<{readonly objects: readonly ObjectSummary[]; readonly date: number}> {
    return listAll(this.#context.store, {prefix})
  }
}
