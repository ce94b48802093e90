import {type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from '../../../../src/object-store/decorator.js'
import type {ListOptions, ListPage} from '../../../../src/object-store/object-store.js'
import {all} from '../collect.js'
import type {SimClient} from '../sim-client.js'

/** What a process that is killed finds of every call: nobody sees it, it only lets go of the files that the process had open. */
export class Killed extends Error {
  readonly code = 'KILLED'
}

/** The store as a process that can be killed has it. What it asked for last may still land. */
export class MortalStore extends ObjectStoreDecorator {
  readonly #client: SimClient
  readonly #end: Promise<never>
  #kill: () => void = () => undefined

  constructor(client: SimClient) {
    super(client)
    this.#client = client
    this.#end = new Promise<never>((_, reject) => {
      this.#kill = () => reject(new Killed('killed'))
    })
    this.#end.catch(() => undefined)
  }

  kill(): void {
    this.#client.dead = true
    this.#kill()
  }

  /** At once: a listing that nobody ends would be waited for. */
  override async *list(options: ListOptions): AsyncIterable<ListPage> {
    yield* await this.alive(all(this.inner.list(options)))
  }

  override async close(): Promise<void> {}

  /** What it waits for, unless it is killed before. */
  async alive<T>(call: Promise<T>): Promise<T> {
    return Promise.race([call, this.#end])
  }

  protected override async around<T>(_call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    return this.alive(run({}))
  }
}
