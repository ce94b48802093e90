import type {Clock, Random} from '../base/clock.js'
import {hasCode, RepriseError} from '../base/errors.js'
import {storeError} from './errors.js'
import {compareKeys} from './key-order.js'
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
  StoreOperation,
} from './object-store.js'
import {openBody} from './object-store.js'
import {Pace} from './pace.js'
import {resumingBody} from './resuming-body.js'
import {type Progress, withTimeLimit} from './time-limit.js'

const RETRYABLE = ['STORE_CONFLICT', 'STORE_THROTTLED', 'STORE_UNREACHABLE']

export interface RetryNotice {
  readonly operation: StoreOperation
  /** A listing's prefix; the first key of a delete. */
  readonly key: string
  /** The try that failed, from 1. */
  readonly attempt: number
  readonly waitedMs: number
  readonly error: RepriseError
}

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  /** Tries in all, the first included. A body or a listing that moves on between two failures starts to count anew. Default 5. */
  readonly attempts?: number
  /** Default 200 ms. */
  readonly baseMs?: number
  /** Default 10 s. */
  readonly maxMs?: number
  /** Time in which nothing moves before a try counts as unreachable. Default: none. */
  readonly timeoutMs?: number
  readonly onRetry?: (notice: RetryNotice) => void
}

/**
 * Tries again what may succeed on another try: undecided races, throttling, and stores that did not answer.
 *
 * A `create` or `update` that is refused after a try that may have landed says so in `details.retried`: the object there
 * may be the caller's own, which the caller finds out by looking at it. How a body that breaks is resumed and still
 * verified: {@link resumingBody}.
 */
export class RetryingObjectStore implements ObjectStore {
  readonly #store: ObjectStore
  readonly #options: RetryOptions
  readonly #attempts: number
  readonly #pace: Pace

  constructor(store: ObjectStore, options: RetryOptions) {
    const {clock, random, attempts = 5, baseMs = 200, maxMs = 10_000} = options
    this.#store = store
    this.#options = options
    this.#attempts = attempts
    this.#pace = new Pace({clock, random, baseMs, maxMs})
  }

  get url() {
    return this.#store.url
  }

  get traits() {
    return this.#store.traits
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const seen = new Seen(this.traits.sortedListing)
    const tries = this.#tries('list', options.prefix, options)
    for (;;) {
      const pages = this.#store.list(seen.rest({...options, attempt: tries.attempt}))[Symbol.asyncIterator]()
      try {
        for (;;) {
          const next = await this.#limited(options, async () => pages.next())
          if (next.done) return
          tries.moved()
          yield seen.fresh(next.value)
        }
      } catch (error) {
        await tries.failed(error)
      } finally {
        // Not awaited: a page that hangs would hold it up.
        void pages.return?.()?.catch(() => {})
      }
    }
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    return this.#retry('head', key, options, async (again) => this.#store.head(key, again))
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    const open = async (wanted: GetOptions) =>
      this.#retry('get', key, wanted, async (again) => this.#store.get(key, {...wanted, ...again}))
    const content = await open(options)
    const tries = this.#tries('get', key, options)
    const body = resumingBody({
      key,
      options,
      content: {...content, body: this.#limitedBody(content.body, options, tries)},
      admit: async (failure) => tries.failed(failure),
      get: async (wanted) => {
        const again = await open(wanted)
        return {...again, body: this.#limitedBody(again.body, options, tries)}
      },
    })
    return {...content, body: new Cancellable(content.body, body)}
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.#retry('put', key, options, async (again, progress) =>
      this.#store.put(key, watched(body, progress), {...options, ...again}),
    )
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.#retry('copy', target, options, async (again) =>
      this.#store.copy(source, target, {...options, ...again}),
    )
  }

  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    const tries = this.#tries('delete', keys[0] ?? '', options)
    const failed: DeleteResult['failed'][number][] = []
    let left = keys
    for (;;) {
      const result = await this.#retry('delete', left[0] ?? '', options, async (again) =>
        this.#store.delete(left, again),
      )
      const mayRetry = tries.attempt < this.#attempts
      const again = result.failed.filter(({code}) => mayRetry && RETRYABLE.includes(code))
      failed.push(...result.failed.filter((failure) => !again.includes(failure)))
      const [first] = again
      if (first === undefined) return {failed, date: result.date}
      await tries.failed(storeError('STORE_THROTTLED', first.message))
      left = again.map(({key}) => key)
    }
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  async #retry<T>(
    operation: StoreOperation,
    key: string,
    options: RequestOptions,
    call: (again: RequestOptions, progress: Progress) => Promise<T>,
  ): Promise<T> {
    const tries = this.#tries(operation, key, options)
    for (;;) {
      await this.#pace.beforeCall(options.signal)
      try {
        const result = await this.#limited(options, async (signal, progress) =>
          call({attempt: tries.attempt, ...(signal === undefined ? {} : {signal})}, progress),
        )
        this.#pace.succeeded()
        return result
      } catch (error) {
        await tries.failed(error)
      }
    }
  }

  async #limited<T>(
    {signal}: RequestOptions,
    call: (signal: AbortSignal | undefined, progress: Progress) => Promise<T>,
  ): Promise<T> {
    const {clock, timeoutMs} = this.#options
    return withTimeLimit({clock, timeoutMs, signal}, call)
  }

  async *#limitedBody(body: AsyncIterable<Uint8Array>, options: GetOptions, tries: Tries): AsyncIterable<Uint8Array> {
    const chunks = body[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#limited(options, async () => chunks.next())
        if (next.done) return
        tries.moved()
        yield next.value
      }
    } finally {
      void chunks.return?.()?.catch(() => {})
    }
  }

  #tries(operation: StoreOperation, key: string, {signal}: RequestOptions): Tries {
    return new Tries({
      operation,
      key,
      signal,
      pace: this.#pace,
      attempts: this.#attempts,
      onRetry: this.#options.onRetry,
    })
  }
}

interface TriesOptions {
  readonly operation: StoreOperation
  readonly key: string
  readonly signal: AbortSignal | undefined
  readonly pace: Pace
  readonly attempts: number
  readonly onRetry: RetryOptions['onRetry']
}

/** Counts the tries of one call. */
class Tries {
  readonly #options: TriesOptions
  #mayHaveLanded = false
  attempt = 1

  constructor(options: TriesOptions) {
    this.#options = options
  }

  /** Something came: a failure after it is a new one. */
  moved(): void {
    this.attempt = 1
  }

  /** Resolves when it is time to try again; rejects when there is no use in it. */
  async failed(error: unknown): Promise<void> {
    const {operation, key, signal, pace, attempts, onRetry} = this.#options
    if (this.#mayHaveLanded && hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED')) throw retried(error)
    if (signal?.aborted || !hasCode(error, ...RETRYABLE) || this.attempt >= attempts) throw error
    // A store that could not decide has written nothing.
    if (error.code !== 'STORE_CONFLICT') this.#mayHaveLanded = true
    if (error.code === 'STORE_THROTTLED') pace.throttled()
    const waitedMs = await pace.beforeRetry(this.attempt, signal)
    onRetry?.({operation, key, attempt: this.attempt, waitedMs, error})
    this.attempt++
  }
}

function retried({kind, code, message, suggestions, details, cause}: RepriseError): RepriseError {
  return new RepriseError({kind, code, message, suggestions, cause, details: {...details, retried: true}})
}

function watched(body: ObjectBody, progress: Progress): ObjectBody {
  if (body instanceof Uint8Array) return body
  return {
    size: body.size,
    async *open() {
      for await (const chunk of openBody(body)) {
        progress()
        yield chunk
      }
    },
  }
}

/** A generator that was never started does not clean up; the answer behind it must be given back all the same. */
class Cancellable implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>
  readonly #body: AsyncIterator<Uint8Array>
  #started = false

  constructor(source: AsyncIterable<Uint8Array>, body: AsyncIterable<Uint8Array>) {
    this.#source = source
    this.#body = body[Symbol.asyncIterator]()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        this.#started = true
        return this.#body.next()
      },
      return: async () => {
        if (!this.#started) await this.#source[Symbol.asyncIterator]().return?.()
        await this.#body.return?.()
        return {done: true, value: undefined}
      },
    }
  }
}

/** What a listing has given out, so that one begun anew gives only the rest. */
class Seen {
  readonly #sorted: boolean
  readonly #given = new Set<string>()
  #last: string | undefined

  constructor(sorted: boolean) {
    this.#sorted = sorted
  }

  rest(options: ListOptions): ListOptions {
    return this.#last === undefined ? options : {...options, startAfter: this.#last}
  }

  fresh(page: ListPage): ListPage {
    const objects = page.objects.filter(({key}) => !this.#given.has(key))
    const prefixes = page.prefixes.filter((prefix) => !this.#given.has(prefix))
    if (this.#sorted) {
      const last = [...objects.map(({key}) => key), ...prefixes].toSorted(compareKeys).at(-1)
      if (last !== undefined) {
        this.#last = last
        // What follows may be rolled up into the same prefix once more; no earlier key can come again.
        this.#given.clear()
        this.#given.add(last)
      }
    } else {
      for (const {key} of objects) this.#given.add(key)
      for (const prefix of prefixes) this.#given.add(prefix)
    }
    return {...page, objects, prefixes}
  }
}
