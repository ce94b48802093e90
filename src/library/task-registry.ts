import {silentLogger} from '../base/logger.js'
import {systemClock, systemRandom} from '../base/system.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {parseRegistryUrl} from '../registry/registry-url.js'
import type {AssignOptions, Entry, EntryKind, Link, Registry} from '../registry/registry.js'
import {StoreRegistry} from '../registry/store-registry.js'
import {openerOf, type StoreSettings} from './open-object-store.js'
import {tableOpener} from './open-table.js'

interface Opened {
  readonly registry: Registry
  readonly close: () => Promise<void> | void
}

/**
 * A registry of tasks and names by URL: `dynamodb://table`, or the URL of the store that the sessions lie in, which keeps them
 * beside the sessions. Nothing is sent before the first call.
 *
 * @throws STORE_URL_INVALID, PLACEHOLDER_OPEN, REGISTRY_INVALID
 */
export function createTaskRegistry(url: string, settings: StoreSettings = {}): LazyRegistry {
  const table = url.startsWith('dynamodb:') ? parseRegistryUrl(url) : undefined
  return new LazyRegistry(
    table?.kind === 'dynamodb' ? tableOpener(table, settings, silentLogger) : storeOpener(url, settings),
  )
}

/** A registry that is opened at its first call; after a failure to open it the next call tries again. */
export class LazyRegistry implements Registry, AsyncDisposable {
  readonly #open: () => Promise<Opened>
  #opened: Promise<Opened> | undefined

  constructor(open: () => Promise<Opened>) {
    this.#open = open
  }

  async find(kind: EntryKind, id: string): Promise<Entry | undefined> {
    return (await this.#registry()).find(kind, id)
  }

  async findBySession(sessionId: string): Promise<readonly Entry[]> {
    return (await this.#registry()).findBySession(sessionId)
  }

  async *list(): AsyncIterable<Entry> {
    yield* (await this.#registry()).list()
  }

  async assign(link: Link, options: AssignOptions): Promise<Entry> {
    return (await this.#registry()).assign(link, options)
  }

  async unlink(kind: EntryKind, id: string): Promise<Entry | undefined> {
    return (await this.#registry()).unlink(kind, id)
  }

  /** Releases sockets and handles. Idempotent. */
  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    this.#opened = undefined
    await opened?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #registry(): Promise<Registry> {
    this.#opened ??= this.#open()
    const opening = this.#opened
    try {
      return (await opening).registry
    } catch (error) {
      if (this.#opened === opening) this.#opened = undefined
      throw error
    }
  }
}

function storeOpener(url: string, settings: StoreSettings): () => Promise<Opened> {
  const open = openerOf(url, settings, silentLogger, () => undefined)
  return async () => {
    const store: ObjectStore = await open()
    const registry = new StoreRegistry({store, clock: systemClock, random: systemRandom})
    return {registry, close: async () => store.close()}
  }
}
