/** One seed, one sequence of choices (xorshift, 32 bits). */
export class Random {
  #state

  /** @param {number} seed */
  constructor(seed) {
    this.#state = Math.imul(seed ^ 0x2545f491, 0x9e3779b1) | 1
    for (let round = 0; round < 8; round++) this.next()
  }

  /** In [0, 1). */
  next() {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return (state >>> 0) / 2 ** 32
  }

  /** @param {number} probability */
  chance(probability) {
    return this.next() < probability
  }

  /**
   * From `low` to `high`, both included.
   * @param {number} low
   * @param {number} high
   */
  int(low, high) {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  /**
   * @template T
   * @param {readonly T[]} items
   * @returns {T}
   */
  pick(items) {
    return items[this.int(0, items.length - 1)]
  }
}
