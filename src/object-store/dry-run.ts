import pMap from 'p-map'
import type {Clock} from '../base/clock.js'
import {ObjectStoreDecorator} from './decorator.js'
import {storeError} from './errors.js'
import {checkKey} from './key.js'
import {checkMetadata} from './metadata.js'
import {
  bodySize,
  type JoinSource,
  type ObjectBody,
  type ObjectStore,
  type PutOptions,
  type RequestOptions,
} from './object-store.js'
import {checkMode} from './put-mode.js'

/** What would have been written. */
export interface DryRunWrite {
  readonly operation: 'put' | 'copy' | 'join' | 'delete'
  readonly key: string
  /** Of the object that would be there; 0 for a delete. */
  readonly bytes: number
  readonly mode?: PutOptions['mode']['type']
}

const HEADS_AT_ONCE = 16

/**
 * Reads pass; writes are recorded, refused where the store as it stands would refuse them, and otherwise answered as if
 * done. Nothing that was recorded is read back: a plan made from reads stays a plan. Bodies are not opened.
 */
export class DryRunObjectStore extends ObjectStoreDecorator {
  readonly #clock: Pick<Clock, 'now'>
  readonly #writes: DryRunWrite[] = []
  /** Etags by key as the recorded writes left them; undefined for a deleted object. */
  readonly #written = new Map<string, string | undefined>()

  constructor(store: ObjectStore, {clock}: {readonly clock: Pick<Clock, 'now'>}) {
    super(store)
    this.#clock = clock
  }

  /** In the order of the calls. */
  get writes(): readonly DryRunWrite[] {
    return this.#writes
  }

  override async put(key: string, body: ObjectBody, options: PutOptions) {
    return this.#record('put', key, bodySize(body), options)
  }

  override async copy(source: string, target: string, options: PutOptions) {
    const head = await this.inner.head(source, signalOf(options))
    if (head === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${source}' in ${this.url}.`)
    return this.#record('copy', target, head.size, options)
  }

  override async join(sources: readonly JoinSource[], target: string, options: PutOptions) {
    const check = async ({key, etag}: JoinSource) => {
      const there = await this.#etag(key, options)
      if (there === undefined) throw storeError('OBJECT_NOT_FOUND', `There is no object '${key}' in ${this.url}.`)
      checkMode({type: 'update', etag}, there, key, this.url)
    }
    await pMap(sources, check, {concurrency: HEADS_AT_ONCE})
    const size = sources.reduce((sum, source) => sum + source.size, 0)
    return this.#record('join', target, size, options)
  }

  override async delete(keys: readonly string[], options: RequestOptions = {}) {
    options.signal?.throwIfAborted()
    for (const key of keys) {
      this.#writes.push({operation: 'delete', key, bytes: 0})
      this.#written.set(key, undefined)
    }
    return {failed: [], date: this.#clock.now()}
  }

  async #record(operation: 'put' | 'copy' | 'join', key: string, bytes: number, options: PutOptions) {
    options.signal?.throwIfAborted()
    checkKey(key)
    checkMetadata(options.metadata)
    const {mode} = options
    if (mode.type !== 'overwrite') checkMode(mode, await this.#etag(key, options), key, this.url)
    this.#writes.push({operation, key, bytes, mode: mode.type})
    const etag = `dry-run-${this.#writes.length}`
    this.#written.set(key, etag)
    return {etag, date: this.#clock.now()}
  }

  async #etag(key: string, options: RequestOptions): Promise<string | undefined> {
    if (this.#written.has(key)) return this.#written.get(key)
    return (await this.inner.head(key, signalOf(options)))?.etag
  }
}

function signalOf({signal}: RequestOptions): RequestOptions {
  return signal === undefined ? {} : {signal}
}
