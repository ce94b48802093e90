import type {Errands} from './errands.js'
import {keyOf, type LocalCopy} from './local-copy.js'
import type {Machine} from './machine.js'
import type {SyncOptions, SyncWorld} from './world.js'

/** What goes on around a claude that wants to write. */
export interface Surroundings {
  /** Its file is mirrored. */
  readonly isFollowed: boolean
  /** Its file is being brought here. */
  readonly isBrought: boolean
  readonly isBusy: boolean
}

/** The claude of a machine: it appends to its file, tears lines, and rewrites what it wrote. */
export class Claude {
  readonly #world: SyncWorld
  readonly #machine: Machine
  readonly #errands: Errands
  readonly #options: SyncOptions

  constructor(world: SyncWorld, machine: Machine, errands: Errands, options: SyncOptions) {
    this.#world = world
    this.#machine = machine
    this.#errands = errands
    this.#options = options
  }

  /** One whole line more. */
  write(): void {
    this.#copy.append(`${this.#copy.torn === '' ? '' : '\n'}${this.#world.lines.fresh(false)}`)
  }

  /** A claude writes. Not while its file is being brought here: a claude that runs is known to live, and none is started before. */
  edit({isFollowed, isBrought, isBusy}: Surroundings): void {
    const {rng, lines, network, turn, rivalry} = this.#world
    if (isBrought || (!this.#copy.isThere && !isFollowed)) return
    if (!isFollowed && turn !== this.#machine && !rng.chance(rivalry)) return
    const {torn} = this.#copy
    if (torn !== '' && rng.chance(0.8)) {
      this.#copy.append(`"end"}\n`)
      network.say(this.#machine.name, 'ends its torn line')
      return
    }
    const dice = rng.next()
    if (dice < 0.1 && torn === '') {
      this.#copy.append(lines.fresh(false).replace('}\n', ',"torn":'))
      this.#world.count('torn')
      network.say(this.#machine.name, 'writes half a line')
    } else if (dice < (isBusy ? 0.6 : 0.35) && this.#options.rewrites !== false && this.#copy.lines.length > 1)
      this.#rewrite()
    else {
      const added = Array.from({length: rng.int(1, 2)}, () => lines.fresh(rng.chance(0.25)))
      this.#copy.append(added.join(''))
      network.say(this.#machine.name, 'writes', added.join('').replaceAll('\n', ' '))
    }
  }

  #rewrite(): void {
    const {rng, lines, network, ledger} = this.#world
    const before = this.#copy.lines
    const at = rng.chance(0.6)
      ? before.length - 1 - rng.int(0, Math.min(2, before.length - 1))
      : rng.int(0, before.length - 1)
    const line = before[at] ?? ''
    const how = rng.pick(['removed', 'cut', 'replaced', 'respelled'] as const)
    const [head, tail] = [before.slice(0, at), before.slice(at + 1)]
    let after = [...head, ...tail]
    if (how === 'cut' && at > 0) after = head
    else if (how === 'replaced') after = [...head, lines.fresh(false), ...tail]
    else if (how === 'respelled') after = [...head, lines.makes(line.replace(/\}\n$/, ',"again":true}\n')), ...tail]
    if (after.length === 0) return
    const left = new Set(after.map(keyOf))
    for (const key of before.map(keyOf)) {
      if (left.has(key)) continue
      ledger.limbo.add(key)
      for (const steady of this.#errands.steady) steady.delete(key)
    }
    this.#copy.rewrite(after, rng.pick(['in-place', 'renamed'] as const))
    this.#world.count('rewrites')
    network.say(this.#machine.name, how, line.trim(), 'leaving', after.join('').replaceAll('\n', ' '))
  }

  get #copy(): LocalCopy {
    return this.#machine.copy
  }
}
