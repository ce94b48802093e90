import {RepriseError} from '../base/errors.js'
import {ObjectStoreDecorator} from './decorator.js'
import type {
  GetOptions,
  JoinOptions,
  JoinSource,
  ListOptions,
  ObjectBody,
  ObjectStore,
  PutOptions,
  RequestOptions,
} from './object-store.js'

/** A part of a store that looks like a whole one: every key gets the prefix on the way in and loses it on the way out. */
export class PrefixedObjectStore extends ObjectStoreDecorator {
  readonly #url: string
  readonly #prefix: string

  /** @param prefix empty, or ending in `/`. */
  constructor(inner: ObjectStore, prefix: string, url: string) {
    super(inner)
    this.#url = url
    this.#prefix = prefix
  }

  override get url() {
    return this.#url
  }

  override async *list(options: ListOptions) {
    const {startAfter} = options
    const inner = {
      ...options,
      prefix: this.#prefix + options.prefix,
      ...(startAfter !== undefined && {startAfter: this.#prefix + startAfter}),
    }
    for await (const page of this.inner.list(inner)) {
      yield {
        ...page,
        objects: page.objects.map((object) => ({...object, key: this.#strip(object.key)})),
        prefixes: page.prefixes.map((prefix) => this.#strip(prefix)),
      }
    }
  }

  override async head(key: string, options?: RequestOptions) {
    const head = await this.inner.head(this.#prefix + key, options)
    return head && {...head, key}
  }

  override async get(key: string, options?: GetOptions) {
    return {...(await this.inner.get(this.#prefix + key, options)), key}
  }

  override async put(key: string, body: ObjectBody, options: PutOptions) {
    return this.inner.put(this.#prefix + key, body, options)
  }

  override async copy(source: string, target: string, options: PutOptions) {
    return this.inner.copy(this.#prefix + source, this.#prefix + target, options)
  }

  override async join(sources: readonly JoinSource[], target: string, options: JoinOptions) {
    const inner = sources.map((source) => ({...source, key: this.#prefix + source.key}))
    return this.inner.join(inner, this.#prefix + target, options)
  }

  override async delete(keys: readonly string[], options?: RequestOptions) {
    const {failed, date} = await this.inner.delete(
      keys.map((key) => this.#prefix + key),
      options,
    )
    return {failed: failed.map((each) => ({...each, key: this.#strip(each.key)})), date}
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
