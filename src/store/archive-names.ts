import type {Random} from '../base/clock.js'
import {chainDigits, formatPartName} from './names.js'
import type {ListedPart, PartRange} from './part.js'
import type {TranscriptView} from './view.js'

/** Room below the end of a part for the pieces that end in it. */
const ROOM = 2 ** 16
/** About 17 minutes. */
const SPREAD = 2 ** 20

/**
 * Names for the pieces of an archive, in their order. Restored under its name, a piece must not meet the late delete of a part, nor
 * an archived one that of a restore: each archiving shifts the times by a random one, and what is listed is passed over.
 */
export class ArchiveNames {
  readonly #ends: readonly {readonly to: number; readonly ms: number}[]
  readonly #taken: ReadonlySet<string>
  readonly #shift: number
  #last: number
  #ms = 0

  constructor({resolution, parts}: TranscriptView, archived: readonly ListedPart[], random: Random) {
    const listed = [...parts, ...archived]
    this.#taken = new Set(listed.map(({name}) => name))
    this.#last = listed.reduce((last, {parsed}) => Math.max(last, parsed?.ms ?? 0), 0)
    this.#ends = resolution.slices.map(({part, end}) => ({to: end, ms: part.parsed?.ms ?? this.#last}))
    const [a = 0, b = 0, c = 0] = random.bytes(3)
    this.#shift = ROOM + (((a * 256 + b) * 256 + c) % SPREAD)
  }

  of({from, to, after}: Pick<PartRange, 'from' | 'to' | 'after'>): string {
    const end = this.#ends.find((each) => each.to >= to)?.ms ?? this.#last
    this.#ms = Math.max(this.#ms + 1, end - this.#shift)
    const digits = chainDigits(after, from)
    while (this.#taken.has(formatPartName({ms: this.#ms, digits}))) this.#ms++
    return formatPartName({ms: this.#ms, digits})
  }
}
