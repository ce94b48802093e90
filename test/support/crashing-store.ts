import type {
  DeleteResult,
  GetOptions,
  JoinOptions,
  JoinSource,
  ListOptions,
  ListPage,
  ObjectBody,
  ObjectContent,
  ObjectHead,
  ObjectStore,
  PutOptions,
  PutResult,
} from '../../src/object-store/object-store.js'

export class Crash extends Error {}

/** A store that a process dies in: at its nth call, before it or after it landed; every later call finds the process dead. */
export class CrashingStore implements ObjectStore {
  readonly url: string
  readonly traits
  readonly #inner: ObjectStore
  readonly #when: 'before' | 'after'
  #left: number
  calls = 0

  constructor(inner: ObjectStore, left: number, when: 'before' | 'after') {
    this.#inner = inner
    this.#left = left
    this.#when = when
    this.url = inner.url
    this.traits = inner.traits
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const pages = await this.#call(async () => {
      const all: ListPage[] = []
      for await (const page of this.#inner.list(options)) all.push(page)
      return all
    })
    yield* pages
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.#call(() => this.#inner.head(key))
  }

  get(key: string, options?: GetOptions): Promise<ObjectContent> {
    return this.#call(() => this.#inner.get(key, options))
  }

  put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.#call(() => this.#inner.put(key, body, options))
  }

  copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.#call(() => this.#inner.copy(source, target, options))
  }

  join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    return this.#call(() => this.#inner.join(sources, target, options))
  }

  delete(keys: readonly string[]): Promise<DeleteResult> {
    return this.#call(() => this.#inner.delete(keys))
  }

  async close(): Promise<void> {}

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.calls++
    if (this.#left < 0) throw new Crash('dead already')
    if (this.#left-- > 0) return work()
    if (this.#when === 'after') await work()
    throw new Crash(`died ${this.#when} call ${this.calls}`)
  }
}
