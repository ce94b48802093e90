import type {Clock} from '../base/clock.js'
import {storeError} from './errors.js'
import {checkKey} from './key.js'
import {checkMetadata} from './metadata.js'
import {
  bodySize,
  type DeleteResult,
  type GetOptions,
  type ListOptions,
  type ListPage,
  type ObjectBody,
  type ObjectContent,
  type ObjectHead,
  type ObjectStore,
  type PutOptions,
  type PutResult,
  type RequestOptions,
} from './object-store.js'

/** What would have been written. */
export interface DryRunWrite {
  readonly operation: 'put' | 'copy' | 'delete'
  readonly key: string
  /** Of the body or the copied object; 0 for a delete. */
  readonly bytes: number
  readonly mode?: PutOptions['mode']['type']
}

/**
 * Reads pass; writes are recorded, refused where the store as it stands would refuse them, and otherwise answered as if
 * done. Nothing that was recorded is read back: a plan made from reads stays a plan. Bodies are not opened.
 */
export class DryRunObjectStore implements ObjectStore {
  readonly #store: ObjectStore
  readonly #clock: Pick<Clock, 'now'>
  readonly #writes: DryRunWrite[] = []
  /** Etags by key as the recorded writes left them; undefined for a deleted object. */
  readonly #written = new Map<string, string | undefined>()

  constructor(store: ObjectStore, {clock}: {readonly clock: Pick<Clock, 'now'>}) {
    this.#store = store
    this.#clock = clock
  }

  get url() {
    return this.#store.url
  }

  get traits() {
    return this.#store.traits
  }

  /** In the order of the calls. */
  get writes(): readonly DryRunWrite[] {
    return this.#writes
  }

  list(options: ListOptions): AsyncIterable<ListPage> {
    return this.#store.list(options)
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    return this.#store.head(key, options)
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    return this.#store.get(key, options)
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.#record('put', key, bodySize(body), options)
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    const head = await this.#store.head(source, signalOf(options))
    if (head === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${source}' in ${this.url}.`)
    return this.#record('copy', target, head.size, options)
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    options.signal?.throwIfAborted()
    for (const key of keys) {
      this.#writes.push({operation: 'delete', key, bytes: 0})
      this.#written.set(key, undefined)
    }
    return {failed: [], date: this.#clock.now()}
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  async #record(operation: 'put' | 'copy', key: string, bytes: number, options: PutOptions): Promise<PutResult> {
    options.signal?.throwIfAborted()
    checkKey(key)
    checkMetadata(options.metadata)
    const {mode} = options
    if (mode.type !== 'overwrite') {
      const etag = this.#written.has(key)
        ? this.#written.get(key)
        : (await this.#store.head(key, signalOf(options)))?.etag
      if (mode.type === 'create' && etag !== undefined) {
        throw storeError('OBJECT_EXISTS', `Object '${key}' is already in ${this.url}.`)
      }
      if (mode.type === 'update' && etag !== mode.etag) {
        throw storeError('OBJECT_CHANGED', `Object '${key}' in ${this.url} is no longer the one to update.`)
      }
    }
    this.#writes.push({operation, key, bytes, mode: mode.type})
    const etag = `dry-run-${this.#writes.length}`
    this.#written.set(key, etag)
    return {etag, date: this.#clock.now()}
  }
}

function signalOf({signal}: RequestOptions): RequestOptions {
  return signal === undefined ? {} : {signal}
}
