import type {Clock} from '../../../src/base/clock.js'
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
} from '../../../src/object-store/object-store.js'
import {all, collect} from './collect.js'
import {holderOf, leaseRecord} from './lease-watch.js'
import type {Network} from './network.js'

const WRITES = new Set(['put', 'copy', 'delete'])

/** One process' way to the store. When it is dead, nothing is answered any more: that process has crashed. */
export class SimClient extends ObjectStoreDecorator {
  readonly name: string
  readonly #network: Network
  dead = false
  /** It sleeps until then: what it is answered waits for it. */
  wakesAt = 0
  /** When it listed parts last, as the network counts. */
  #listedAt = 0

  constructor(name: string, network: Network) {
    super(network.memory)
    this.name = name
    this.#network = network
  }

  /** This process' clock, off from the store's by `skew` ms. */
  clock(skew: number): Clock {
    return {now: () => this.#network.now + skew, sleep: (ms, signal) => this.#network.sleep(this, ms, signal)}
  }

  override async *list(options: ListOptions): AsyncIterable<ListPage> {
    yield* await this.#network.read(this, `${this.name} LIST ${options.prefix}`, async () => {
      const pages = await all(this.inner.list(options))
      if (isPart(options.prefix)) this.#listedAt = this.#network.moment
      return pages
    })
  }

  override async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const bytes = await collect(openBody(body))
    const put = async (): Promise<PutResult> => {
      const {now} = this.#network
      const robbed = key.startsWith('.reprise/leases/') ? (await holderOf(this.inner, key, now))?.pid : undefined
      const result = await this.inner.put(key, bytes, options)
      this.#note(key, bytes, options)
      if (robbed !== undefined && robbed !== leaseRecord(bytes).owner.pid) this.#network.rob(robbed)
      return result
    }
    return this.#write(`PUT ${key} ${options.mode.type}`, key, put, put)
  }

  override async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    for (const {key} of sources) this.#network.merged.add(key)
    this.#network.merged.add(target)
    return streamJoin(this, sources, target, options)
  }

  /** Each key travels by itself. */
  override async delete(keys: readonly string[]): Promise<DeleteResult> {
    const each = keys.map((key) => this.#write(`DELETE ${key}`, key, () => this.inner.delete([key])))
    const results = await Promise.all(each)
    return {failed: [], date: Math.max(0, ...results.map((result) => result.date))}
  }

  override async close(): Promise<void> {}

  protected override async around<T>(
    {operation, key}: DecoratedCall,
    run: (changed: ChangedOptions) => Promise<T>,
  ): Promise<T> {
    if (WRITES.has(operation)) return this.#write(`${operation.toUpperCase()} ${key}`, key, () => run({}))
    return this.#network.read(this, `${this.name} ${operation.toUpperCase()} ${key}`, () => run({}))
  }

  #write<T>(what: string, key: string, land: () => Promise<T>, twin?: () => Promise<unknown>): Promise<T> {
    if (isPart(key) && !this.dead) this.#network.runs.writes(this.name, this.#listedAt)
    return this.#network.write(this, `${this.name} ${what}`, land, twin)
  }

  /** What became of a write, for the statistics of a campaign. */
  #note(key: string, bytes: Uint8Array, {mode}: PutOptions): void {
    const network = this.#network
    if (key.startsWith('.reprise/rebase/')) {
      if (mode.type === 'create') network.journals.set(key, this.name)
      network.count(mode.type === 'create' ? 'journals' : 'journals confirmed')
      if (mode.type === 'update' && network.journals.get(key) !== this.name) network.count('journals found open')
    } else if (key.startsWith('.reprise/archive/')) network.archived = true
    else if (isPart(key)) {
      network.count('parts')
      if (bytes.length === 0) network.count('barriers')
    }
  }
}

function isPart(key: string): boolean {
  return !key.startsWith('.reprise/')
}
