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
} from '../../../src/object-store/object-store.js'
import {streamJoin} from '../../../src/object-store/join.js'
import type {Clock} from '../../../src/base/clock.js'
import type {Core} from './core.js'
import type {Rng} from './rng.js'

interface Pending {
  readonly label: string
  readonly client: SimClient
  land(): Promise<unknown>
  answer(outcome: PromiseSettledResult<unknown>): void
  /** Nobody waits for the answer any more. */
  abandoned: boolean
}

type Memory = InstanceType<Core['MemoryObjectStore']>

/**
 * The network between actors and one store. A write travels: it lands when the schedule says so, in any order; it can get lost,
 * land after its sender has given up, or land twice. Reads are mostly answered at once, and travel too now and then.
 */
export class Network {
  readonly memory: Memory
  readonly #core: Core
  readonly #rng: Rng
  #flying: Pending[] = []
  #answers: (() => void)[] = []
  #twins: {label: string; land(): Promise<unknown>}[] = []
  #timers: {at: number; client: SimClient; wake(): void}[] = []
  now = 1_700_000_000_000
  quiet = false
  /** The share of reads that is answered at once; the others travel as writes do. */
  readsAtOnce = 0.96
  /** Grows whenever the store may have changed. */
  changes = 0
  readonly stats: Record<string, number> = {}
  /** Holders (by pid) whose lease was taken over while it was theirs. */
  readonly robbed = new Set<number>()
  /** Whoever held a record that got lost: by force taken over from its successor, it is cut off as well. */
  readonly #orphans: {readonly pid: number; readonly expiry: number}[] = []
  /** Who created each rebase journal. */
  readonly journals = new Map<string, string>()
  readonly log: string[] = []

  constructor(core: Core, rng: Rng) {
    this.#core = core
    this.#rng = rng
    this.memory = new core.MemoryObjectStore({clock: {now: () => this.now}})
  }

  leaseLost = false

  rob(pid: number): void {
    this.robbed.add(pid)
    for (const orphan of this.#orphans) if (orphan.expiry > this.now) this.robbed.add(orphan.pid)
  }

  /** Nobody's fault: the lease record is gone, and its holder does not know yet. */
  async loseLease(key: string): Promise<void> {
    const holder = await holderOf(this.memory, key, this.now)
    if (holder) this.#orphans.push(holder)
    await this.memory.delete([key])
    this.leaseLost = true
    this.changes++
    this.say('the lease record is lost')
  }

  count(what: string): void {
    this.stats[what] = (this.stats[what] ?? 0) + 1
  }

  say(...words: unknown[]): void {
    this.log.push(`${this.now - 1_700_000_000_000} ${words.join(' ')}`)
  }

  get busy(): boolean {
    return this.#flying.length + this.#answers.length > 0
  }

  read<T>(client: SimClient, label: string, read: () => Promise<T>): Promise<T> {
    if (this.quiet || this.#rng.chance(this.readsAtOnce)) return client.dead ? never() : read()
    return this.#send(client, label, read)
  }

  write<T>(client: SimClient, label: string, land: () => Promise<T>, twin?: () => Promise<unknown>): Promise<T> {
    return this.#send(client, label, async () => {
      const result = await land()
      if (twin && this.#rng.chance(0.25)) this.#twins.push({label, land: twin})
      return result
    })
  }

  sleep(client: SimClient, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const timer = {at: this.now + ms, client, wake}
      const stop = (): void => {
        this.#timers = this.#timers.filter((each) => each !== timer)
        reject(signal?.reason as Error)
      }
      this.#timers.push(timer)
      if (signal?.aborted) stop()
      else signal?.addEventListener('abort', stop, {once: true})
    })
  }

  /** One request lands, or one answer arrives. */
  async step(inOrder = false): Promise<void> {
    if (this.#answers.length > 0 && (inOrder || this.#rng.chance(0.4))) {
      this.#answers.splice(inOrder ? 0 : this.#rng.int(0, this.#answers.length - 1), 1)[0]!()
      return
    }
    if (this.#flying.length === 0) return
    const at = inOrder || this.#rng.chance(0.5) ? 0 : this.#rng.int(0, this.#flying.length - 1)
    const pending = this.#flying.splice(at, 1)[0]!
    const [outcome] = await Promise.allSettled([pending.land()])
    this.changes++
    this.say('lands', pending.label, outcome.status === 'rejected' ? codeOf(outcome.reason) : 'ok')
    if (pending.abandoned || pending.client.dead) return
    if (inOrder || this.#rng.chance(0.85)) pending.answer(outcome)
    else this.#answers.push(() => pending.answer(outcome))
  }

  /** A request that was answered lands once more, much later. */
  async lateTwin(): Promise<void> {
    if (this.#twins.length === 0) return
    const twin = this.#twins.splice(this.#rng.int(0, this.#twins.length - 1), 1)[0]!
    await twin.land().catch(() => undefined)
    this.changes++
    this.count('late twins')
    this.say('a late twin lands:', twin.label)
  }

  /** The sender of a request gives up on it: it never lands, has landed, or will land one day. */
  async fail(): Promise<void> {
    if (this.#flying.length === 0) return
    const at = this.#rng.int(0, this.#flying.length - 1)
    const pending = this.#flying[at]!
    const fate = this.#rng.pick(['lost', 'landed', 'late'] as const)
    if (fate !== 'late') this.#flying.splice(at, 1)
    if (fate === 'landed') await pending.land().catch(() => undefined)
    this.changes++
    this.count(`requests ${fate}`)
    this.say('a request fails', pending.label, fate)
    const abandoned = pending.abandoned
    pending.abandoned = true
    if (!abandoned && !pending.client.dead) {
      pending.answer({
        status: 'rejected',
        reason: this.#core.storeError('STORE_UNREACHABLE', `no answer to ${pending.label}`),
      })
    }
  }

  wakeSleepers(): void {
    const due = this.#timers.filter((timer) => timer.at <= this.now)
    this.#timers = this.#timers.filter((timer) => timer.at > this.now)
    for (const timer of due) if (!timer.client.dead) timer.wake()
  }

  /** The one that is due first. @returns whether there was one. */
  wakeNext(): boolean {
    this.#timers = this.#timers.filter((timer) => !timer.client.dead)
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0]
    if (!next || next.at > this.now) return false
    this.#timers = this.#timers.filter((timer) => timer !== next)
    next.wake()
    return true
  }

  get nextTimer(): number | undefined {
    return this.#timers
      .filter((timer) => !timer.client.dead)
      .map((timer) => timer.at)
      .toSorted((a, b) => a - b)[0]
  }

  /** Everything that was on its way is gone, and so is everyone who waited for it. */
  silence(): void {
    this.#flying = []
    this.#answers = []
    this.#twins = []
    this.#timers = []
  }

  #send<T>(client: SimClient, label: string, land: () => Promise<T>): Promise<T> {
    if (client.dead) return never()
    return new Promise<T>((resolve, reject) => {
      this.#flying.push({
        label,
        client,
        land,
        abandoned: false,
        answer: (outcome) => {
          if (client.dead) return
          if (outcome.status === 'fulfilled') resolve(outcome.value as T)
          else reject(outcome.reason)
        },
      })
    })
  }
}

/** One process' way to the store. When it is dead, nothing is answered any more: that process has crashed. */
export class SimClient implements ObjectStore {
  readonly url = 'memory:'
  readonly traits = {sortedListing: true}
  readonly name: string
  readonly #network: Network
  dead = false

  constructor(name: string, network: Network) {
    this.name = name
    this.#network = network
  }

  /** This process' clock, off from the store's by `skew` ms. */
  clock(skew: number): Clock {
    return {now: () => this.#network.now + skew, sleep: (ms, signal) => this.#network.sleep(this, ms, signal)}
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    yield* await this.#network.read(this, `${this.name} LIST ${options.prefix}`, async () => {
      const pages: ListPage[] = []
      for await (const page of this.#network.memory.list(options)) pages.push(page)
      return pages
    })
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    return this.#network.read(this, `${this.name} HEAD ${key}`, () => this.#network.memory.head(key))
  }

  async get(key: string, options?: GetOptions): Promise<ObjectContent> {
    return this.#network.read(this, `${this.name} GET ${key}`, () => this.#network.memory.get(key, options))
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    const bytes = await collect(body)
    const put = async (): Promise<PutResult> => {
      const {memory, now} = this.#network
      const robbed = key.startsWith('.reprise/leases/') ? (await holderOf(memory, key, now))?.pid : undefined
      const result = await memory.put(key, bytes, options)
      this.#note(key, bytes, options)
      if (robbed !== undefined && robbed !== ownerOf(bytes).owner.pid) this.#network.rob(robbed)
      return result
    }
    return this.#network.write(this, `${this.name} PUT ${key} ${options.mode.type}`, put, put)
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    return this.#network.write(this, `${this.name} COPY ${source}`, () =>
      this.#network.memory.copy(source, target, options),
    )
  }

  async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    return streamJoin(this, sources, target, options)
  }

  async delete(keys: readonly string[]): Promise<DeleteResult> {
    const each = keys.map((key) =>
      this.#network.write(this, `${this.name} DELETE ${key}`, () => this.#network.memory.delete([key])),
    )
    const results = await Promise.all(each)
    return {failed: [], date: Math.max(0, ...results.map((result) => result.date))}
  }

  async close(): Promise<void> {}

  /** What became of a write, for the statistics of a campaign. */
  #note(key: string, bytes: Uint8Array, {mode}: PutOptions): void {
    const network = this.#network
    if (key.startsWith('.reprise/rebase/')) {
      if (mode.type === 'create') network.journals.set(key, this.name)
      network.count(mode.type === 'create' ? 'journals' : 'journals confirmed')
      if (mode.type === 'update' && network.journals.get(key) !== this.name) network.count('journals found open')
    } else if (!key.startsWith('.reprise/')) {
      network.count('parts')
      if (bytes.length === 0) network.count('barriers')
    }
  }
}

async function collect(body: ObjectBody): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body
  const chunks: Uint8Array[] = []
  for await (const chunk of body.open()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The process that holds the lease at this instant. */
async function holderOf(memory: Memory, key: string, now: number): Promise<{pid: number; expiry: number} | undefined> {
  const object = await memory.get(key).catch(() => undefined)
  if (!object) return undefined
  const chunks: Uint8Array[] = []
  for await (const chunk of object.body) chunks.push(chunk)
  const {owner, released, expiry} = ownerOf(Buffer.concat(chunks))
  return released || expiry <= now ? undefined : {pid: owner.pid, expiry}
}

function ownerOf(record: Uint8Array): {owner: {pid: number}; released: boolean; expiry: number} {
  return JSON.parse(Buffer.from(record).toString()) as ReturnType<typeof ownerOf>
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
}
