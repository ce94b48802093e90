import {setMaxListeners} from 'node:events'
import {type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from './decorator.js'
import type {ListOptions, ListPage, ObjectStore} from './object-store.js'

/** Ends every call when its signal aborts, also those of callers who know of no signal. */
export class AbortingObjectStore extends ObjectStoreDecorator {
  readonly #signal: AbortSignal

  constructor(store: ObjectStore, signal: AbortSignal) {
    super(store)
    // One for each request under way: no leak.
    setMaxListeners(0, signal)
    this.#signal = signal
  }

  override async *list(options: ListOptions): AsyncIterable<ListPage> {
    yield* this.inner.list({...options, signal: this.#with(options.signal)})
  }

  protected override async around<T>(
    {signal}: DecoratedCall,
    run: (changed: ChangedOptions) => Promise<T>,
  ): Promise<T> {
    return run({signal: this.#with(signal)})
  }

  #with(signal: AbortSignal | undefined): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#signal]) : this.#signal
  }
}
