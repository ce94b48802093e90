import type {Core} from '../core.js'
import {never} from '../network.js'
import {isWrite, type SentRequest, TravellingClient} from '../travelling-client.js'

type Memory = InstanceType<Core['MemoryObjectStore']>

/** A request on its way. */
export interface Flying {
  readonly id: string
  readonly request: SentRequest
  readonly process: ExploredProcess
  /** Nobody waits for its answer. */
  readonly isOrphan: boolean
  land(): Promise<PromiseSettledResult<unknown>>
  answer(outcome: PromiseSettledResult<unknown>): void
}

/** One process: its requests wait until somebody lands them. */
export class ExploredProcess extends TravellingClient {
  readonly name: string
  readonly merged = new Set<string>()
  #flying: readonly Flying[] = []
  readonly #sent = new Map<string, number>()
  #isDead = false

  constructor(name: string, memory: Memory) {
    super(memory)
    this.name = name
  }

  get flying(): readonly Flying[] {
    return this.#flying
  }

  get isDead(): boolean {
    return this.#isDead
  }

  get isWaiting(): boolean {
    return !this.#isDead && this.#flying.some(({isOrphan}) => !isOrphan)
  }

  landed({id}: Flying): void {
    this.#flying = this.#flying.filter((each) => each.id !== id)
  }

  /** It lands at any later time, or never; one that only reads is nothing any more. */
  orphan(flying: Flying): void {
    this.landed(flying)
    if (isWrite(flying.request)) this.#flying = [...this.#flying, {...flying, isOrphan: true}]
  }

  /** Nothing is answered to it any more. */
  crash(): void {
    this.#isDead = true
    for (const each of this.#flying) this.orphan(each)
  }

  protected override async travel<T>(request: SentRequest, land: () => Promise<T>): Promise<T> {
    if (this.#isDead) return never()
    const what = `${this.name} ${request.operation} ${request.key}`
    const times = (this.#sent.get(what) ?? 0) + 1
    this.#sent.set(what, times)
    return new Promise<T>((resolve, reject) => {
      const flying: Flying = {
        id: times === 1 ? what : `${what} (${times})`,
        request,
        process: this,
        isOrphan: false,
        async land() {
          const [outcome] = await Promise.allSettled([land()])
          return outcome
        },
        answer(outcome) {
          if (outcome.status === 'fulfilled') resolve(outcome.value as T)
          else reject(outcome.reason)
        },
      }
      this.#flying = [...this.#flying, flying]
    })
  }

  override async join(...args: Parameters<TravellingClient['join']>): ReturnType<TravellingClient['join']> {
    const [sources, target] = args
    for (const {key} of [...sources, {key: target}]) this.merged.add(key)
    return super.join(...args)
  }
}
