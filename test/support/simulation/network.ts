import type {Core} from './core.js'
import {type Holding, holderOf} from './lease-watch.js'
import type {Rng} from './rng.js'
import {Runs} from './runs.js'
import type {SimClient} from './sim-client.js'

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
  /** Answers to those who sleep. */
  #dreamt: {readonly client: SimClient; deliver(): void}[] = []
  #twins: {label: string; land(): Promise<unknown>}[] = []
  #timers: {at: number; client: SimClient; wake(): void}[] = []
  now = 1_700_000_000_000
  quiet = false
  /** The share of reads that is answered at once; the others travel as writes do. */
  readsAtOnce = 0.96
  /** Grows whenever the store may have changed. */
  changes = 0
  /** Grows with each thing that happens. */
  moment = 0
  readonly runs = new Runs((what) => this.count(what))
  /** Keys of merges and of their inputs. */
  readonly merged = new Set<string>()
  readonly stats: Record<string, number> = {}
  /** Something was packed away. */
  archived = false
  /** Holders (by pid) whose lease was taken over while it was theirs. */
  readonly robbed = new Set<number>()
  /** Whoever held a record that got lost: by force taken over from its successor, it is cut off as well. */
  readonly #orphans: Holding[] = []
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
    this.moment++
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
    this.moment++
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

  /** A process stops where it is: a machine whose lid is closed. What it has sent travels on. */
  doze(client: SimClient, ms: number): void {
    client.wakesAt = this.now + ms
    this.count('dozes')
    this.say(client.name, 'sleeps for', ms)
  }

  wakeSleepers(): void {
    const isUp = ({client}: {readonly client: SimClient}): boolean => client.wakesAt <= this.now
    const answered = this.#dreamt.filter(isUp)
    this.#dreamt = this.#dreamt.filter((each) => !isUp(each))
    for (const each of answered) each.deliver()
    const due = this.#timers.filter((timer) => timer.at <= this.now && isUp(timer))
    this.#timers = this.#timers.filter((timer) => !due.includes(timer))
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
    this.#dreamt = []
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
          const deliver = (): void => {
            if (client.dead) return
            if (outcome.status === 'fulfilled') resolve(outcome.value as T)
            else reject(outcome.reason)
          }
          if (client.wakesAt > this.now) this.#dreamt.push({client, deliver})
          else deliver()
        },
      })
    })
  }
}

export function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error)
}
