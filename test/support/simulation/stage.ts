import type {Lease} from '../../../src/store/lease.js'
import type {PutOptions} from '../../../src/object-store/object-store.js'
import {all, collect, linesOf} from './collect.js'
import type {Core} from './core.js'
import {encode, type LineText} from './lines.js'
import {digestOf, REF} from './world.js'

/** A lease as a test wants it: nothing travels. */
export class StageLease implements Lease {
  epoch: number
  cutOff = 0
  created = false
  date: number | undefined = 0
  /** Another holds the record from now on. */
  lost = false
  readonly #core: Core

  constructor(core: Core, epoch: number) {
    this.#core = core
    this.epoch = epoch
  }

  async renew(): Promise<void> {
    if (this.lost) throw new this.#core.RepriseError({kind: 'conflict', code: 'LEASE_LOST', message: 'lost'})
  }

  async raiseAbove(listed: number): Promise<void> {
    await this.renew()
    this.epoch = Math.max(this.epoch, listed) + 1
  }

  async recover(listed: number): Promise<void> {
    await this.raiseAbove(listed)
    this.cutOff = Math.max(this.cutOff, listed)
  }

  async confirm(): Promise<void> {
    await this.renew()
  }
}

export interface PartSpec {
  /** The transcript up to the part's end. */
  readonly chain: readonly LineText[]
  /** How many of its lines come before the part. */
  readonly from: number
  readonly ms: number
  readonly epoch?: number
  readonly leased?: boolean
  readonly gen?: number
}

/** One store without a network, for schedules that are written by hand. */
export class Stage {
  readonly core: Core
  readonly memory: InstanceType<Core['MemoryObjectStore']>
  readonly parts: InstanceType<Core['Parts']>
  now = 1_000_000

  constructor(core: Core) {
    this.core = core
    this.memory = new core.MemoryObjectStore({clock: {now: () => this.now}})
    this.parts = new core.Parts(this.memory)
  }

  /** What is stored now, for somebody to go on with while this one stays as it is. */
  async copy(): Promise<Stage> {
    const copy = new Stage(this.core)
    copy.now = this.now
    for (const key of await this.keys('')) {
      const {body, metadata} = await this.memory.get(key)
      await copy.memory.put(key, await collect(body), {mode: {type: 'create'}, metadata})
    }
    return copy
  }

  context(store: unknown = this.memory) {
    return {
      parts: new this.core.Parts(store as Stage['memory']),
      clock: {now: () => this.now, sleep: async () => undefined},
      random: {bytes: (count: number) => new Uint8Array(count).fill(7), uuid: () => ''},
      machine: 'stage',
    }
  }

  run({chain, from}: Pick<PartSpec, 'chain' | 'from'>) {
    const before = encode(chain.slice(0, from))
    const whole = encode(chain)
    return {
      from: before.length,
      to: whole.length,
      before: digestOf(before),
      after: digestOf(whole),
      entries: chain.length - from,
      body: whole.subarray(before.length),
    }
  }

  async put(spec: PartSpec) {
    const {epoch = 0, leased = false, gen = 0, ms} = spec
    const written = await this.core.writeRangeAt(this.context(), REF, this.run(spec), {epoch, leased, gen}, ms)
    if (!written) throw new Error(`the name of ${ms} is taken`)
    return written.part
  }

  async loose(ms: number, lines: readonly LineText[], digits = 'abcdef'): Promise<string> {
    const name = this.core.formatPartName({ms, digits})
    await this.memory.put(this.core.transcriptPrefix(REF) + name, encode(lines), {mode: {type: 'create'}})
    return name
  }

  async delivered(store: unknown = this.memory): Promise<string> {
    const {parts} = this.context(store)
    const view = await this.core.viewTranscript(parts, REF)
    return this.text(view.delivery)
  }

  async text(delivery: Parameters<Core['deliveredBytes']>[0]): Promise<string> {
    return (await linesOf(this.core.deliveredBytes(delivery, this.parts))).join('')
  }

  async object(key: string): Promise<string> {
    return (await collect((await this.memory.get(key)).body)).toString()
  }

  async keys(prefix: string): Promise<string[]> {
    return (await all(this.memory.list({prefix}))).flatMap(({objects}) => objects.map(({key}) => key))
  }

  /** The store with some calls done otherwise. */
  with(changes: Partial<Stage['memory']>): unknown {
    return new Proxy(this.memory, {
      get: (target, name) => {
        const found: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name)
        return typeof found === 'function' && !(name in changes) ? (found as () => void).bind(target) : found
      },
    })
  }
}

/** A put that the sender hears nothing of, and that lands when `land` is called. */
export function delayedPut(stage: Stage) {
  let late: (() => Promise<unknown>) | undefined
  const store = stage.with({
    put: async (key: string, body: Uint8Array, options: PutOptions) => {
      if (late || !key.includes('/part-')) return stage.memory.put(key, body, options)
      late = () => stage.memory.put(key, body, options)
      throw stage.core.storeError('STORE_UNREACHABLE', 'no answer')
    },
  })
  return {store, land: async () => late?.()}
}

/** @throws when they differ as JSON. */
export function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${a} where ${b} was expected`)
}
