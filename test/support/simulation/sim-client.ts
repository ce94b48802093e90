import type {Clock} from '../../../src/base/clock.js'
import type {JoinOptions, JoinSource, PutOptions, PutResult} from '../../../src/object-store/object-store.js'
import {holderOf, leaseRecord} from './lease-watch.js'
import type {Network} from './network.js'
import {isWrite, type SentRequest, TravellingClient} from './travelling-client.js'

/** One process' way to the store. When it is dead, nothing is answered any more: that process has crashed. */
export class SimClient extends TravellingClient {
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

  override async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    for (const {key} of sources) this.#network.merged.add(key)
    this.#network.merged.add(target)
    return super.join(sources, target, options)
  }

  protected override async travel<T>(request: SentRequest, land: () => Promise<T>): Promise<T> {
    const network = this.#network
    const {operation, key} = request
    const label = `${this.name} ${operation.toUpperCase()} ${key}`
    if (!isWrite(request)) {
      return network.read(this, label, () => {
        if (operation === 'list' && isPart(key)) this.#listedAt = network.moment
        return land()
      })
    }
    if (isPart(key) && !this.dead) network.runs.writes(this.name, this.#listedAt)
    return network.write(this, label, land, operation === 'put' ? land : undefined)
  }

  protected override async landPut(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    const {now} = this.#network
    const robbed = key.startsWith('.reprise/leases/') ? (await holderOf(this.inner, key, now))?.pid : undefined
    const result = await super.landPut(key, bytes, options)
    this.#note(key, bytes, options)
    if (robbed !== undefined && robbed !== leaseRecord(bytes).owner.pid) this.#network.rob(robbed)
    return result
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
