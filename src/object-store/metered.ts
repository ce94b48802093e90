import type {Clock} from '../base/clock.js'
import {toRepriseError} from '../base/errors.js'
import {type ChangedOptions, callOf, type DecoratedCall, ObjectStoreDecorator} from './decorator.js'
import type {
  GetOptions,
  JoinOptions,
  JoinSource,
  JoinStep,
  ListOptions,
  ObjectBody,
  ObjectStore,
  PutOptions,
  RequestOptions,
  StoreOperation,
} from './object-store.js'
import {tapBody} from './tap-body.js'

/** One call to the store, when it is over: for debug logs and figures. */
export interface StoreCall {
  readonly operation: StoreOperation
  /** A listing's prefix; the target of a copy or join; the first key of a delete. */
  readonly key: string
  /** Of bodies, up or down, as far as they got. */
  readonly bytes: number
  /** Of a join: bytes that the store copied by itself. */
  readonly bytesCopied: number
  /** Until the answer, for `get` until its body was read or left. */
  readonly ms: number
  readonly attempt: number
  /** `ok`, `left` (a body or listing that was not read to its end), or the code of the failure. */
  readonly outcome: string
}

export interface StoreTotals {
  /** Calls; each page of a listing is one, and each begun thousand of keys in a delete. */
  readonly requests: Readonly<Record<StoreOperation, number>>
  readonly bytesUp: number
  readonly bytesDown: number
  /** That stores copied by themselves, in joins. */
  readonly bytesCopied: number
}

export interface MeterOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly observe?: (call: StoreCall) => void
}

const DELETE_BATCH = 1000

/** Counts what goes to the store it stands before: below a retrying store every try, above it every call. */
export class MeteredObjectStore extends ObjectStoreDecorator {
  readonly #options: MeterOptions
  readonly #requests: Record<StoreOperation, number> = {list: 0, head: 0, get: 0, put: 0, copy: 0, join: 0, delete: 0}
  #bytesUp = 0
  #bytesDown = 0
  #bytesCopied = 0

  constructor(store: ObjectStore, options: MeterOptions) {
    super(store)
    this.#options = options
  }

  /** So far, including calls that are under way. */
  totals(): StoreTotals {
    return {
      requests: {...this.#requests},
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      bytesCopied: this.#bytesCopied,
    }
  }

  override async *list(options: ListOptions) {
    const pages = this.inner.list(options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const call = this.#begin(callOf('list', options.prefix, options))
        const next = await this.#failing(call, async () => pages.next())
        if (next.done) {
          // That there are no more pages was in the last answer.
          this.#requests.list--
          return
        }
        call.end('ok')
        yield next.value
      }
    } finally {
      await pages.return?.()
    }
  }

  override async get(key: string, options: GetOptions = {}) {
    const call = this.#begin(callOf('get', key, options))
    const content = await this.#failing(call, async () => this.inner.get(key, options))
    return {...content, body: this.#counted(content.body, call)}
  }

  override async put(key: string, body: ObjectBody, options: PutOptions) {
    const call = this.#begin(callOf('put', key, options))
    const up = (bytes: number) => {
      call.bytes += bytes
      this.#bytesUp += bytes
    }
    if (body instanceof Uint8Array) up(body.byteLength)
    return this.#until(call, async () => this.inner.put(key, tapBody(body, up), options))
  }

  override async join(sources: readonly JoinSource[], target: string, options: JoinOptions) {
    const call = this.#begin(callOf('join', target, options))
    const onProgress = (step: JoinStep) => {
      call.bytes += step.moved
      call.bytesCopied += step.copied
      this.#bytesDown += step.moved
      this.#bytesUp += step.moved
      this.#bytesCopied += step.copied
      options.onProgress?.(step)
    }
    return this.#until(call, async () => this.inner.join(sources, target, {...options, onProgress}))
  }

  override async delete(keys: readonly string[], options: RequestOptions = {}) {
    this.#requests.delete += Math.max(1, Math.ceil(keys.length / DELETE_BATCH)) - 1
    return super.delete(keys, options)
  }

  protected override async around<T>(call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    return this.#until(this.#begin(call), async () => run({}))
  }

  #counted(body: AsyncIterable<Uint8Array>, call: Call): AsyncIterable<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]()
    const end = (outcome: string) => call.end(outcome)
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          try {
            const next = await chunks.next()
            if (next.done) end('ok')
            else {
              call.bytes += next.value.byteLength
              this.#bytesDown += next.value.byteLength
            }
            return next
          } catch (error) {
            end(toRepriseError(error).code)
            throw error
          }
        },
        return: async () => {
          end('left')
          await chunks.return?.()
          return {done: true as const, value: undefined}
        },
      }),
    }
  }

  async #until<T>(call: Call, run: () => Promise<T>): Promise<T> {
    const result = await this.#failing(call, run)
    call.end('ok')
    return result
  }

  async #failing<T>(call: Call, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      call.end(toRepriseError(error).code)
      throw error
    }
  }

  #begin({operation, key, attempt = 1}: DecoratedCall): Call {
    const {clock, observe} = this.#options
    const started = clock.now()
    this.#requests[operation]++
    let over = false
    const call: Call = {
      bytes: 0,
      bytesCopied: 0,
      end(outcome) {
        if (over) return
        over = true
        const {bytes, bytesCopied} = call
        observe?.({operation, key, bytes, bytesCopied, ms: clock.now() - started, attempt, outcome})
      },
    }
    return call
  }
}

interface Call {
  bytes: number
  bytesCopied: number
  end(outcome: string): void
}
