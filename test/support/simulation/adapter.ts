import type {WriteContext} from '../../../src/store/write-part.js'
import {Actor} from './actor.js'
import {deliveredLines} from './checks.js'
import type {Core} from './core.js'
import {encode, type LineText} from './lines.js'
import {digestOf, REF, type World} from './world.js'

/** What it keeps between its appends. */
interface Loaded {
  readonly context: WriteContext
  readonly run: LineText[]
  readonly point: ReturnType<Core['appendPoint']>
  readonly lastMs: number
}

/** An SDK adapter without a lease: loads, then appends without looking again. */
export class Adapter extends Actor {
  #state: Loaded | undefined

  constructor(world: World, index: number) {
    super(world, 'A', index)
  }

  get believed(): undefined {
    return undefined
  }

  act(): void {
    const {rng} = this.world
    if (!this.#state) {
      if (rng.chance(0.3)) this.#load()
    } else if (rng.chance(0.1)) this.#state = undefined
    else this.#append(this.#state)
  }

  #load(): void {
    this.start(async (still) => {
      const {core} = this.world
      const context = this.context()
      const view = await core.viewTranscript(context.parts, REF)
      const run = await deliveredLines(this.world, view, this.client)
      if (still()) this.#state = {context, run, point: core.appendPoint(view), lastMs: core.lastMs(view.listing)}
    })
  }

  #append(state: Loaded): void {
    const {world} = this
    const {core, ledger, lines, rng, network} = world
    this.start(async (still) => {
      const line = lines.fresh(rng.chance(0.25))
      ledger.wrote([line], null)
      network.say(this.name, 'appends', line.trim())
      if (state.point) {
        const run = [...state.run, line]
        const whole = encode(run)
        ledger.chains.set(digestOf(whole), run)
        const tail = {to: whole.length, after: digestOf(whole), entries: 1, body: encode([line])}
        const written = await core.appendUnleased(state.context, REF, state.point, tail)
        if (still()) this.#state = {...state, run, point: core.pointAfter(written)}
      } else {
        const written = await core.writeLoose(state.context, REF, encode([line]), state.lastMs)
        if (still()) this.#state = {...state, lastMs: written.ms}
      }
      world.count('adapter appends')
      if (still()) ledger.acked.add(line)
    })
  }

  protected reset(): void {
    this.#state = undefined
  }
}
