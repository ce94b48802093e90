import type {Clock} from '../base/clock.js'
import {toRepriseError} from '../base/errors.js'
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
  type StoreOperation,
} from './object-store.js'

/** One call to the store, when it is over: for debug logs and figures. */
export interface StoreCall {
  readonly operation: StoreOperation
  /** A listing's prefix; a copy's target; the first key of a delete. */
  readonly key: string
  /** Of bodies, up or down, as far as they got. */
  readonly bytes: number
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
}

export interface MeterOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly observe?: (call: StoreCall) => void
}

const DELETE_BATCH = 1000

/** Counts what goes to the store it stands before: below a retrying store every try, above it every call. */
export class MeteredObjectStore implements ObjectStore {
  readonly #store: ObjectStore
  readonly #options: MeterOptions
  readonly #requests: Record<StoreOperation, number> = {list: 0, head: 0, get: 0, put: 0, copy: 0, delete: 0}
  #bytesUp = 0
  #bytesDown = 0

  constructor(store: ObjectStore, options: MeterOptions) {
    this.#store = store
    this.#options = options
  }

  get url() {
    return this.#store.url
  }

  get traits() {
    return this.#store.traits
  }

  /** So far, including calls that are under way. */
  totals(): StoreTotals {
    return {requests: {...this.#requests}, bytesUp: this.#bytesUp, bytesDown: this.#bytesDown}
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const pages = this.#store.list(options)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const call = this.#begin('list', options.prefix, options)
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

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    return this.#metered('head', key, options, async () => this.#store.head(key, options))
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    const call = this.#begin('get', key, options)
    try {
      const content = await this.#store.get(key, options)
      return {...content, body: this.#counted(content.body, call)}
    } catch (error) {
      call.end(toRepriseError(error).code)
      throw error
    }
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const call = this.#begin('put', key, options)
    const up = (bytes: number) => {
      call.bytes += bytes
      this.#bytesUp += bytes
    }
    if (body instanceof Uint8Array) up(bodySize(body))
    return this.#until(call, async () => this.#store.put(key, counting(body, up), options))
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.#metered('copy', target, options, async () => this.#store.copy(source, target, options))
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    const call = this.#begin('delete', keys[0] ?? '', options)
    this.#requests.delete += Math.max(1, Math.ceil(keys.length / DELETE_BATCH)) - 1
    return this.#until(call, async () => this.#store.delete(keys, options))
  }

  async close(): Promise<void> {
    await this.#store.close()
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

  async #metered<T>(
    operation: StoreOperation,
    key: string,
    options: RequestOptions,
    run: () => Promise<T>,
  ): Promise<T> {
    return this.#until(this.#begin(operation, key, options), run)
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

  #begin(operation: StoreOperation, key: string, {attempt = 1}: RequestOptions): Call {
    const {clock, observe} = this.#options
    const started = clock.now()
    this.#requests[operation]++
    let over = false
    const call: Call = {
      bytes: 0,
      end(outcome) {
        if (over) return
        over = true
        observe?.({operation, key, bytes: call.bytes, ms: clock.now() - started, attempt, outcome})
      },
    }
    return call
  }
}

interface Call {
  bytes: number
  end(outcome: string): void
}

function counting(body: ObjectBody, count: (bytes: number) => void): ObjectBody {
  if (body instanceof Uint8Array) return body
  return {
    size: body.size,
    async *open() {
      for await (const chunk of body.open()) {
        count(chunk.byteLength)
        yield chunk
      }
    },
  }
}
