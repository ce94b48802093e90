import {RepriseError} from '../base/errors.js'
import type {
  DeleteResult,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectBody,
  ObjectContent,
  ObjectHead,
  ObjectStore,
  PutOptions,
  PutResult,
  RequestOptions,
  StoreTraits,
} from './object-store.js'

/** A part of a store that looks like a whole one: every key gets the prefix on the way in and loses it on the way out. */
export class PrefixedObjectStore implements ObjectStore {
  readonly traits: StoreTraits
  readonly url: string
  readonly #inner: ObjectStore
  readonly #prefix: string

  /** @param prefix empty, or ending in `/`. */
  constructor(inner: ObjectStore, prefix: string, url: string) {
    this.#inner = inner
    this.#prefix = prefix
    this.traits = inner.traits
    this.url = url
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const {startAfter} = options
    const inner = {
      ...options,
      prefix: this.#prefix + options.prefix,
      ...(startAfter !== undefined && {startAfter: this.#prefix + startAfter}),
    }
    for await (const page of this.#inner.list(inner)) {
      yield {
        ...page,
        objects: page.objects.map((object) => ({...object, key: this.#strip(object.key)})),
        prefixes: page.prefixes.map((prefix) => this.#strip(prefix)),
      }
    }
  }

  async head(key: string, options?: RequestOptions): Promise<ObjectHead | undefined> {
    const head = await this.#inner.head(this.#prefix + key, options)
    return head && {...head, key}
  }

  async get(key: string, options?: GetOptions): Promise<ObjectContent> {
    return {...(await this.#inner.get(this.#prefix + key, options)), key}
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.#inner.put(this.#prefix + key, body, options)
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.#inner.copy(this.#prefix + source, this.#prefix + target, options)
  }

  async delete(keys: readonly string[], options?: RequestOptions): Promise<DeleteResult> {
    const {failed, date} = await this.#inner.delete(
      keys.map((key) => this.#prefix + key),
      options,
    )
    return {failed: failed.map((each) => ({...each, key: this.#strip(each.key)})), date}
  }

  async close(): Promise<void> {
    await this.#inner.close()
  }

  /** A server that lists what it was not asked for must not have it taken for something else. */
  #strip(key: string): string {
    if (key.startsWith(this.#prefix)) return key.slice(this.#prefix.length)
    throw new RepriseError({
      kind: 'bad-data',
      code: 'KEY_INVALID',
      message: `the store listed ${JSON.stringify(key.slice(0, 200))}, which is not below ${this.#prefix}`,
    })
  }
}
