import type {Clock} from '../base/clock.js'
import type {RepriseError} from '../base/errors.js'
import {storeError, type StoreErrorCode} from './errors.js'
import type {Fault, FaultedCall, FaultPlan} from './faults.js'
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
  openBody,
  type PutMode,
  type PutOptions,
  type PutResult,
  type RequestOptions,
  type StoreOperation,
} from './object-store.js'

export interface FaultyOptions {
  readonly clock: Pick<Clock, 'sleep'>
  readonly plan: FaultPlan
  /** Told of each fault before it strikes. */
  readonly onFault?: (call: FaultedCall, fault: Fault) => void
}

/** A store whose calls fail as planned: for tests of everything that stands above a store. Each page of a listing is a call. */
export class FaultyObjectStore implements ObjectStore {
  readonly #store: ObjectStore
  readonly #options: FaultyOptions
  #calls = 0

  constructor(store: ObjectStore, options: FaultyOptions) {
    this.#store = store
    this.#options = options
  }

  get url() {
    return this.#store.url
  }

  get traits() {
    return this.#store.traits
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const pages = this.#store.list(options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#call('list', options.prefix, options, undefined, async () => pages.next())
        if (next.done) return
        yield next.value
      }
    } finally {
      await pages.return?.()
    }
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    return this.#call('head', key, options, undefined, async () => this.#store.head(key, options))
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    return this.#call('get', key, options, undefined, async (reset) => {
      const content = await this.#store.get(key, options)
      if (reset === undefined) return content
      const start = options.range?.start ?? 0
      const end = Math.min(options.range?.end ?? content.size, content.size)
      return {...content, body: broken(content.body, Math.floor((end - start) / 2), reset)}
    })
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.#call('put', key, options, options.mode, async (reset) => {
      if (reset === undefined) return this.#store.put(key, body, options)
      const size = bodySize(body)
      const open = () => broken(openBody(body), Math.floor(size / 2), reset)
      return this.#store.put(key, {size, open}, options)
    })
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.#call('copy', target, options, options.mode, async (reset) => {
      if (reset !== undefined) throw reset
      return this.#store.copy(source, target, options)
    })
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    return this.#call('delete', keys[0] ?? '', options, undefined, async (reset) => {
      if (reset === undefined) return this.#store.delete(keys, options)
      await this.#store.delete(keys.slice(0, Math.floor(keys.length / 2)), options)
      throw reset
    })
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  /** @param run gets the error to break a body with, when it shall break. */
  async #call<T>(
    operation: StoreOperation,
    key: string,
    {signal}: RequestOptions,
    mode: PutMode | undefined,
    run: (reset: RepriseError | undefined) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    const {plan, clock, onFault} = this.#options
    const call = {operation, key, number: ++this.#calls}
    const fault = plan.next(call)
    if (fault === undefined) return run(undefined)
    onFault?.(call, fault)
    const where = `Injected ${fault.kind} at call ${call.number}, ${operation} '${key}' (${plan.title}).`
    switch (fault.kind) {
      case 'fail-before':
      case '500':
        throw storeError('STORE_UNREACHABLE', where)
      case '429':
      case '503':
        throw storeError('STORE_THROTTLED', where)
      case 'fail-after':
        await run(undefined)
        throw storeError('STORE_UNREACHABLE', where)
      case 'reset':
        return run(storeError('STORE_UNREACHABLE', where))
      case 'delay':
        await clock.sleep(fault.delayMs ?? 1000, signal)
        return run(undefined)
      case '409':
      case '412': {
        const code = refusal(fault.kind, mode)
        if (code !== undefined) throw storeError(code, where)
        return run(undefined)
      }
    }
  }
}

/** A server answers so to conditional writes alone. */
function refusal(kind: '409' | '412', mode: PutMode | undefined): StoreErrorCode | undefined {
  if (mode === undefined || mode.type === 'overwrite') return undefined
  if (kind === '409') return 'STORE_CONFLICT'
  return mode.type === 'create' ? 'OBJECT_EXISTS' : 'OBJECT_CHANGED'
}

async function* broken(body: AsyncIterable<Uint8Array>, after: number, error: RepriseError): AsyncIterable<Uint8Array> {
  let left = after
  for await (const chunk of body) {
    if (chunk.byteLength > left) {
      if (left > 0) yield chunk.subarray(0, left)
      throw error
    }
    left -= chunk.byteLength
    yield chunk
  }
  throw error
}
