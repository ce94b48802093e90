import type {Clock} from '../base/clock.js'
import {callOf, type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from './decorator.js'
import {storeError} from './errors.js'
import {ListingProgress} from './listing-progress.js'
import type {
  DeleteResult,
  GetOptions,
  JoinOptions,
  JoinSource,
  JoinStep,
  ListOptions,
  ObjectBody,
  ObjectStore,
  PutOptions,
} from './object-store.js'
import {resumingBody} from './resuming-body.js'
import {isRetryable, RetryPolicy, type RetryOptions} from './retry-policy.js'
import {tapBody} from './tap-body.js'
import {TimeLimit} from './time-limit.js'

export interface RetryingOptions extends RetryOptions {
  /** Shared with what repeats requests inside of the store (`S3StoreOptions.retries`). Default: one made of these options. */
  readonly policy?: RetryPolicy
  /**
   * Time in which nothing moves before a try counts as unreachable; of a put with its bytes in memory, the whole try. Default:
   * none, for a store that has limits of its own.
   */
  readonly timeoutMs?: number
}

/**
 * Tries again what may succeed on another try: undecided races, throttling, and stores that did not answer.
 *
 * A `create` or `update` that is refused after a try that may have landed says so in `details.retried`: the object there
 * may be the caller's own, which the caller finds out by looking at it. How a body that breaks is resumed and still
 * verified: {@link resumingBody}.
 */
export class RetryingObjectStore extends ObjectStoreDecorator {
  readonly #policy: RetryPolicy
  readonly #clock: Clock
  readonly #timeoutMs: number | undefined

  constructor(store: ObjectStore, options: RetryingOptions) {
    super(store)
    this.#policy = options.policy ?? new RetryPolicy(options)
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs
  }

  override async *list(options: ListOptions) {
    const progress = new ListingProgress(this.traits.sortedListing)
    const tries = this.#policy.begin(callOf('list', options.prefix, options))
    for (;;) {
      const limit = this.#limit(options.signal)
      const rest = {...progress.rest(options), ...changed(limit, tries.attempt)}
      const pages = this.inner.list(rest)[Symbol.asyncIterator]()
      try {
        for (;;) {
          const next = await tries.paced(async () => limit.wait(async () => pages.next()))
          if (next.done) return
          const page = progress.fresh(next.value)
          if (page.objects.length + page.prefixes.length > 0) tries.moved()
          yield page
        }
      } catch (error) {
        await tries.failed(error)
      } finally {
        limit.end()
        // Not awaited: a page that hangs would hold it up.
        void pages.return?.()?.catch(() => {})
      }
    }
  }

  override async get(key: string, options: GetOptions = {}) {
    const call = callOf('get', key, options)
    const content = await super.get(key, options)
    const tries = this.#policy.begin(call)
    const body = resumingBody({
      key,
      options,
      content: {...content, body: this.#limitedBody(content.body, options.signal)},
      admit: async (failure) => tries.failed(failure),
      moved: () => tries.moved(),
      get: async (wanted) => {
        const open = async (changed: ChangedOptions) => this.inner.get(key, {...wanted, ...changed})
        const again = await tries.paced(async () => this.#limited(call, tries.attempt, open))
        return {...again, body: this.#limitedBody(again.body, options.signal)}
      },
    })
    return {...content, body}
  }

  override async put(key: string, body: ObjectBody, options: PutOptions) {
    return this.#repeated(callOf('put', key, options), async (changed, moved) =>
      this.inner.put(key, tapBody(body, moved), {...options, ...changed}),
    )
  }

  override async join(sources: readonly JoinSource[], target: string, options: JoinOptions) {
    return this.#repeated(callOf('join', target, options), async (changed, moved) => {
      const onProgress = (step: JoinStep) => {
        moved()
        options.onProgress?.(step)
      }
      return this.inner.join(sources, target, {...options, ...changed, onProgress})
    })
  }

  override async delete(keys: readonly string[], options: {readonly signal?: AbortSignal} = {}): Promise<DeleteResult> {
    const call = callOf('delete', keys[0] ?? '', options)
    const tries = this.#policy.begin(call)
    const failed: DeleteResult['failed'][number][] = []
    let left = keys
    for (;;) {
      let failure: unknown
      try {
        const result = await tries.paced(async () =>
          this.#limited(call, tries.attempt, async (changed) => this.inner.delete(left, {...options, ...changed})),
        )
        const again = result.failed.filter(({code}) => !tries.isLast && isRetryable(code))
        failed.push(...result.failed.filter((each) => !again.includes(each)))
        const [first] = again
        if (first === undefined) return {failed, date: result.date}
        left = again.map(({key}) => key)
        failure = storeError('STORE_THROTTLED', first.message)
      } catch (error) {
        failure = error
      }
      await tries.failed(failure)
    }
  }

  protected override async around<T>(call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    return this.#repeated(call, run)
  }

  async #repeated<T>(call: DecoratedCall, run: (changed: ChangedOptions, moved: () => void) => Promise<T>): Promise<T> {
    return this.#policy.repeat(call, async ({attempt, mayHaveLanded}) =>
      this.#limited(call, attempt, async (changed, moved) =>
        run(mayHaveLanded ? {...changed, retried: true} : changed, moved),
      ),
    )
  }

  async #limited<T>(
    {signal}: DecoratedCall,
    attempt: number,
    run: (changed: ChangedOptions, moved: () => void) => Promise<T>,
  ): Promise<T> {
    const limit = this.#limit(signal)
    try {
      return await limit.wait(async () => run(changed(limit, attempt), () => limit.moved()))
    } finally {
      limit.end()
    }
  }

  async *#limitedBody(body: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
    const limit = this.#limit(signal)
    const chunks = body[Symbol.asyncIterator]()
    const read = async () => chunks.next()
    try {
      for (;;) {
        const next = await limit.wait(read)
        if (next.done) return
        yield next.value
      }
    } finally {
      limit.end()
      void chunks.return?.()?.catch(() => {})
    }
  }

  #limit(signal: AbortSignal | undefined): TimeLimit {
    return new TimeLimit({clock: this.#clock, timeoutMs: this.#timeoutMs, signal})
  }
}

function changed({signal}: TimeLimit, attempt: number): ChangedOptions {
  return signal === undefined ? {attempt} : {attempt, signal}
}
