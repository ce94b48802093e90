import type {WriteContext} from '../../../src/store/write-part.js'
import type {LineText} from './lines.js'
import {codeOf} from './network.js'
import type {SimClient} from './sim-client.js'
import {Violation} from './violation.js'
import {type World} from './world.js'

/** Rejections that a caller expects: it starts over, or goes on. */
export const EXPECTED = new Set([
  'STORE_UNREACHABLE',
  'LEASE_HELD',
  'LEASE_LOST',
  'LEASE_CONTENDED',
  'OBJECT_NOT_FOUND',
  'OBJECT_CHANGED',
  'TRANSCRIPT_BUSY',
])

export abstract class Actor {
  busy = false
  broken: string | undefined
  /** Of the process that it is at the moment, where a lease record may name it. */
  protected pid: number | undefined
  client: SimClient
  protected readonly world: World
  protected readonly name: string
  readonly #index: number

  constructor(world: World, name: string, index: number) {
    this.world = world
    this.#index = index
    this.name = `${name}${index}`
    this.client = world.client(this.name)
  }

  /** What this actor believes to be stored, when it believes it. */
  abstract get believed(): readonly LineText[] | undefined

  abstract act(): void

  protected abstract reset(): void

  crash(): void {
    this.world.network.say(this.name, 'crashes')
    this.client.dead = true
    if (this.pid !== undefined) this.world.dead.add(this.pid)
    this.client = this.world.client(this.name)
    this.busy = false
    this.reset()
  }

  protected context(): WriteContext {
    const {world, client} = this
    const skew = this.#index % 2 === 1 ? -world.rng.int(0, 80_000) : 0
    return {parts: new world.core.Parts(client), clock: client.clock(skew), random: world.random, machine: this.name}
  }

  /** Runs an operation; what it waits for is decided by the schedule. */
  protected start(work: (still: () => boolean) => Promise<void>): void {
    const {client} = this
    const still = (): boolean => this.client === client
    this.busy = true
    const finished = (): void => {
      if (still()) this.busy = false
    }
    const failed = (error: unknown): void => {
      if (!still()) return
      this.busy = false
      if (error instanceof Violation) this.broken = error.message
      else if (EXPECTED.has(codeOf(error))) this.failed(codeOf(error))
      else this.broken = `${this.name} fails: ${codeOf(error)} ${error instanceof Error ? (error.stack ?? '') : ''}`
    }
    void work(still).then(finished, failed)
  }

  protected failed(code: string): void {
    this.world.network.say(this.name, 'meets', code)
    this.reset()
  }
}
