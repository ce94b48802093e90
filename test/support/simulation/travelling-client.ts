import {type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from '../../../src/object-store/decorator.js'
import {streamJoin} from '../../../src/object-store/join.js'
import {
  type DeleteResult,
  type JoinOptions,
  type JoinSource,
  type ListOptions,
  type ListPage,
  type ObjectBody,
  openBody,
  type PutOptions,
  type PutResult,
  type StoreOperation,
} from '../../../src/object-store/object-store.js'
import {all, collect} from './collect.js'

/** What a process sends: one request for each key, and for each listing. */
export interface SentRequest {
  readonly operation: Exclude<StoreOperation, 'join'>
  /** A listing's prefix. */
  readonly key: string
}

const WRITES: ReadonlySet<StoreOperation> = new Set(['put', 'copy', 'delete'])

export function isWrite({operation}: SentRequest): boolean {
  return WRITES.has(operation)
}

/** A process' way to a store that lies elsewhere: what it asks for travels as requests, which land when somebody says so. */
export abstract class TravellingClient extends ObjectStoreDecorator {
  /** @param land what the request does, at the instant at which it lands. */
  protected abstract travel<T>(request: SentRequest, land: () => Promise<T>): Promise<T>

  override async *list(options: ListOptions): AsyncIterable<ListPage> {
    yield* await this.travel({operation: 'list', key: options.prefix}, () => all(this.inner.list(options)))
  }

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const bytes = await collect(openBody(body))
    return this.travel({operation: 'put', key}, () => this.landPut(key, bytes, options))
  }

  override async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    return streamJoin(this, sources, target, options)
  }

  override async delete(keys: readonly string[]): Promise<DeleteResult> {
    const each = keys.map((key) => this.travel({operation: 'delete', key}, () => this.inner.delete([key])))
    const results = await Promise.all(each)
    return {failed: [], date: Math.max(0, ...results.map(({date}) => date))}
  }

  override async close(): Promise<void> {}

  protected async landPut(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    return this.inner.put(key, bytes, options)
  }

  protected override async around<T>(
    {operation, key}: DecoratedCall,
    run: (changed: ChangedOptions) => Promise<T>,
  ): Promise<T> {
    if (operation === 'join') throw new Error('a join travels as what it is made of')
    return this.travel({operation, key}, () => run({}))
  }
}
