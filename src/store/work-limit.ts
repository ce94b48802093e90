import {RepriseError} from '../base/errors.js'
import type {ListedPart} from './part.js'

/**
 * Bounds the work that a listing may ask for. What writers leave (chains, merges beside their inputs, some forks) needs a few
 * steps a part; a listing that needs many more was made to keep its readers busy.
 */
export class WorkLimit {
  #left: number

  constructor(limit: number) {
    this.#left = limit
  }

  /** @throws LISTING_TOO_TANGLED, naming `part`'s transcript, when the limit is used up. */
  spend(steps: number, part: ListedPart): void {
    this.#left -= steps
    if (this.#left < 0) throw tooTangled(part)
  }

  giveBack(steps: number): void {
    this.#left += steps
  }
}

function tooTangled({key}: ListedPart): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'LISTING_TOO_TANGLED',
    message: `${key.slice(0, key.lastIndexOf('/') + 1)}: its parts overlap in more ways than writers leave`,
    suggestions: ['reprise doctor', 'Move parts that no writer of yours made out of that prefix.'],
  })
}
