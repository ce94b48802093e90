import type {Compacted, CompactionOptions} from '../store/compact-transcript.js'
import type {Appended, Appender} from './appender.js'
import type {Piece} from './piece.js'
import type {SummaryState} from './summary-keeper.js'

/** An appender that is made when it is needed: store and place of a transcript are not known when it is first appended to. */
export class LazyAppender<T extends Appender> implements Appender {
  readonly #make: () => Promise<T>
  #inner: T | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  get inner(): T | undefined {
    return this.#inner
  }

  get parts(): number {
    return this.#inner?.parts ?? 0
  }

  async compact(options: CompactionOptions): Promise<Compacted> {
    return (await this.made()).compact(options)
  }

  async tidy(): Promise<void> {
    await this.#inner?.tidy()
  }

  state(): SummaryState | undefined {
    return this.#inner?.state()
  }

  /** The appender itself; nothing is listed for it. */
  async made(): Promise<T> {
    this.#inner ??= await this.#make()
    return this.#inner
  }

  async open(): Promise<void> {
    await (await this.made()).open()
  }

  has(id: string): boolean {
    return this.#inner?.has(id) ?? false
  }

  async isThere(): Promise<boolean> {
    return (await this.made()).isThere()
  }

  async write(piece: Piece): Promise<Appended> {
    return (await this.made()).write(piece)
  }
}
