import type {Clock} from '../base/clock.js'
import type {RepriseError} from '../base/errors.js'
import {callOf, type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from './decorator.js'
import {storeError, type StoreErrorCode} from './errors.js'
import type {Fault, FaultedCall, FaultPlan} from './faults.js'
import {bodySize, openBody} from './object-store.js'
import type {
  GetOptions,
  ObjectBody,
  ObjectContent,
  ObjectStore,
  PutMode,
  PutOptions,
  RequestOptions,
} from './object-store.js'

export interface FaultyOptions {
  readonly clock: Pick<Clock, 'sleep'>
  readonly plan: FaultPlan
  /** Told of each fault before it strikes. */
  readonly onFault?: (call: FaultedCall, fault: Fault) => void
}

/** A store whose calls fail as planned: for tests of everything that stands above a store. Each page of a listing is a call. */
export class FaultyObjectStore extends ObjectStoreDecorator {
  readonly #options: FaultyOptions
  #calls = 0

  constructor(store: ObjectStore, options: FaultyOptions) {
    super(store)
    this.#options = options
  }

  override async get(key: string, options: GetOptions = {}) {
    return this.#struck(
      callOf('get', key, options),
      async (reset) => {
        const content = await this.inner.get(key, options)
        if (reset === undefined) return content
        const start = options.range?.start ?? 0
        const end = Math.min(options.range?.end ?? content.size, content.size)
        return {...content, body: broken(content.body, Math.floor((end - start) / 2), reset)}
      },
      giveUp,
    )
  }

  override async put(key: string, body: ObjectBody, options: PutOptions) {
    return this.#struck(callOf('put', key, options), async (reset) => {
      if (reset === undefined) return this.inner.put(key, body, options)
      const size = bodySize(body)
      const open = () => broken(openBody(body), Math.floor(size / 2), reset)
      return this.inner.put(key, {size, open}, options)
    })
  }

  override async delete(keys: readonly string[], options: RequestOptions = {}) {
    return this.#struck(callOf('delete', keys[0] ?? '', options), async (reset) => {
      if (reset === undefined) return this.inner.delete(keys, options)
      await this.inner.delete(keys.slice(0, Math.floor(keys.length / 2)), options)
      throw reset
    })
  }

  protected override async around<T>(call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    return this.#struck(call, async (reset) => {
      if (reset !== undefined && (call.operation === 'copy' || call.operation === 'join')) throw reset
      return run({})
    })
  }

  /**
   * @param run gets the error to break a body with, when it shall break.
   * @param forget what an answer that nobody gets holds open is closed.
   */
  async #struck<T>(
    {operation, key, signal, mode}: DecoratedCall,
    run: (reset: RepriseError | undefined) => Promise<T>,
    forget: (answer: T) => Promise<void> = async () => undefined,
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
        await forget(await run(undefined))
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

/** A body is a file or a connection that stays open until it is read to its end, or no further. */
async function giveUp({body}: ObjectContent): Promise<void> {
  for await (const _ of body) return
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
