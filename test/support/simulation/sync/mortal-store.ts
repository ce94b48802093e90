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
} from '../../../../src/object-store/object-store.js'
import type {SimClient} from '../network.js'

/** What a process that is killed finds of every call: nobody sees it, it only lets go of the files that the process had open. */
export class Killed extends Error {
  readonly code = 'KILLED'
}

/** The store as a process that can be killed has it. What it asked for last may still land. */
export class MortalStore implements ObjectStore {
  readonly url: string
  readonly traits
  readonly #client: SimClient
  readonly #end: Promise<never>
  #kill: () => void = () => undefined

  constructor(client: SimClient) {
    this.#client = client
    this.url = client.url
    this.traits = client.traits
    this.#end = new Promise<never>((_, reject) => {
      this.#kill = () => reject(new Killed('killed'))
    })
    this.#end.catch(() => undefined)
  }

  kill(): void {
    this.#client.dead = true
    this.#kill()
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    const all = async (): Promise<ListPage[]> => {
      const pages: ListPage[] = []
      for await (const page of this.#client.list(options)) pages.push(page)
      return pages
    }
    yield* await this.alive(all())
  }

  head(key: string): Promise<ObjectHead | undefined> {
    return this.alive(this.#client.head(key))
  }

  get(key: string, options?: GetOptions): Promise<ObjectContent> {
    return this.alive(this.#client.get(key, options))
  }

  put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    return this.alive(this.#client.put(key, body, options))
  }

  copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.alive(this.#client.copy(source, target, options))
  }

  join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    return this.alive(this.#client.join(sources, target, options))
  }

  delete(keys: readonly string[]): Promise<DeleteResult> {
    return this.alive(this.#client.delete(keys))
  }

  async close(): Promise<void> {}

  /** What it waits for, unless it is killed before. */
  alive<T>(call: Promise<T>): Promise<T> {
    return Promise.race([call, this.#end])
  }
}
