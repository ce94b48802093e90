import {deliveredBytes, measure} from '../../../../src/store/bytes.js'
import {listedEnds, listedPrefix} from '../../../../src/store/listed-prefix.js'
import {type TranscriptView, viewTranscript} from '../../../../src/store/view.js'
import {linesOf, transcriptOf} from '../collect.js'
import {countOf, encode, isBookkeeping, type LineText} from '../lines.js'
import {Violation} from '../violation.js'
import {keyOf} from './local-copy.js'
import type {Machine} from './machine.js'
import type {SyncWorld} from './world.js'

/** The store as a reader that sees this instant finds it. */
export interface Sight {
  readonly view: TranscriptView
  readonly delivered: readonly LineText[]
}

/** The invariants, after every step. */
export class Checks {
  readonly #world: SyncWorld
  readonly #machines: readonly Machine[]
  #sight: {readonly changes: number; readonly sight: Sight | undefined; readonly keys: readonly string[]} | undefined
  readonly #listed = new Map<Machine, string>()

  constructor(world: SyncWorld, machines: readonly Machine[]) {
    this.#world = world
    this.#machines = machines
  }

  async all(): Promise<Sight | undefined> {
    const {ledger, network} = this.#world
    if (this.#sight?.changes !== network.changes) {
      const sight = await this.#look()
      this.#sight = {changes: network.changes, sight, keys: (sight?.delivered ?? []).map(keyOf)}
      this.#listed.clear()
    }
    const {sight, keys} = this.#sight
    const given = new Set(keys)
    const lost = ledger.owed.filter((key) => !given.has(key))
    if (lost.length > 0) {
      network.say('readers get', (sight?.delivered ?? []).join('').replaceAll('\n', ' '))
      throw new Violation(`C2 readers do not get what was reported as stored: ${lost.join(' ')}`)
    }
    const messages = keys.filter((key) => key.startsWith('uuid:'))
    if (new Set(messages).size < messages.length) {
      const twice = messages.filter((key, index) => messages.indexOf(key) !== index)
      throw new Violation(`C2 readers get twice: ${twice.join(' ')}`)
    }
    if (sight && !ledger.metadataLost && sight.view.resolution.loose.length === 0) this.#bookkeepingIsNotRepeated(sight)
    // Written again from a copy without metadata, a part can get the name it had: there the lease record must decide as well.
    if (sight && !ledger.metadataLost) for (const machine of this.#machines) await this.#listingIsTrue(machine, sight)
    return sight
  }

  /** Entries without a uuid: at most as often as they were written. */
  #bookkeepingIsNotRepeated({delivered}: Sight): void {
    const {made} = this.#world.lines
    const often = [...countOf(delivered)].filter(
      ([line, count]) => isBookkeeping(line) && count > (made.get(line) ?? 1),
    )
    if (often.length > 0) throw new Violation(`C2 readers get more often than it was written: ${often.join(' ')}`)
  }

  async #look(): Promise<Sight | undefined> {
    const ref = await this.#world.ref()
    if (!ref) return undefined
    const {oracle} = this.#world
    const view = await viewTranscript(oracle, ref).catch((error: unknown) => {
      throw new Violation(`cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    })
    return {view, delivered: await linesOf(deliveredBytes(view.delivery, oracle))}
  }

  /** P3: what one listing says of a local file is true. */
  async #listingIsTrue(machine: Machine, {view: {listing}, delivered}: Sight): Promise<void> {
    const local = machine.copy.lines
    const text = local.join('')
    if (text === '' || this.#listed.get(machine) === text) return
    this.#listed.set(machine, text)
    const whole = encode(local)
    const ends = listedEnds(listing.parts)
    if (whole.length !== ends.at(-1) || text === delivered.join('')) return
    const within = ends.filter((end) => end <= whole.length)
    const measured = await measure(transcriptOf(whole), within)
    if (listedPrefix(listing.parts, measured) !== whole.length) return
    throw new Violation(`P3 false "stored": ${machine.name} has ${text}, readers get ${delivered.join('')}`)
  }
}
