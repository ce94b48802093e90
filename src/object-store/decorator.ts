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
  PutMode,
  PutOptions,
  PutResult,
  RequestOptions,
  StoreOperation,
  StoreTraits,
} from './object-store.js'

/** A call on its way through a decorator. */
export interface DecoratedCall extends RequestOptions {
  readonly operation: StoreOperation
  /** A listing's prefix; the target of a copy or join; the first key of a delete. */
  readonly key: string
  /** Of a put, a copy or a join. */
  readonly mode?: PutMode
}

/** What a decorator may put in the place of the caller's own. */
export type ChangedOptions = Pick<PutOptions, 'signal' | 'attempt' | 'retried'>

/**
 * A store in front of a store, which by itself changes nothing. A decorator overrides the calls that it changes, and
 * {@link around} for what it does to all of them.
 */
export abstract class ObjectStoreDecorator implements ObjectStore {
  protected readonly inner: ObjectStore

  constructor(inner: ObjectStore) {
    this.inner = inner
  }

  get url(): string {
    return this.inner.url
  }

  get traits(): StoreTraits {
    return this.inner.traits
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const pages = this.inner.list(options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.around(callOf('list', options.prefix, options), async () => pages.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      await pages.return?.()
    }
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    return this.around(callOf('head', key, options), async (changed) => this.inner.head(key, {...options, ...changed}))
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    return this.around(callOf('get', key, options), async (changed) => this.inner.get(key, {...options, ...changed}))
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.around(callOf('put', key, options), async (changed) =>
      this.inner.put(key, body, {...options, ...changed}),
    )
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.around(callOf('copy', target, options), async (changed) =>
      this.inner.copy(source, target, {...options, ...changed}),
    )
  }

  async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    return this.around(callOf('join', target, options), async (changed) =>
      this.inner.join(sources, target, {...options, ...changed}),
    )
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    return this.around(callOf('delete', keys[0] ?? '', options), async (changed) =>
      this.inner.delete(keys, {...options, ...changed}),
    )
  }

  async close(): Promise<void> {
    await this.inner.close()
  }

  /**
   * Around each call, and around each page of a listing.
   *
   * @param run makes the call, any number of times (a listing's once, and without what `changed`)
   */
  protected async around<T>(_call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    return run({})
  }
}

export function callOf(
  operation: StoreOperation,
  key: string,
  options: RequestOptions & {mode?: PutMode},
): DecoratedCall {
  const {signal, attempt, mode} = options
  return {
    operation,
    key,
    ...(signal === undefined ? {} : {signal}),
    ...(attempt === undefined ? {} : {attempt}),
    ...(mode === undefined ? {} : {mode}),
  }
}
