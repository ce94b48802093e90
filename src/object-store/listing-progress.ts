import {compareKeys} from './key-order.js'
import type {ListOptions, ListPage} from './object-store.js'

/** What a listing has given out, so that one begun anew gives only the rest. */
export class ListingProgress {
  readonly #sorted: boolean
  readonly #given = new Set<string>()
  #last: string | undefined

  constructor(sorted: boolean) {
    this.#sorted = sorted
  }

  /** The listing that is left; in no order all of it. */
  rest(options: ListOptions): ListOptions {
    return this.#last === undefined ? options : {...options, startAfter: this.#last}
  }

  /** What of a page has not been given out yet. */
  fresh(page: ListPage): ListPage {
    const objects = page.objects.filter(({key}) => !this.#given.has(key))
    const prefixes = page.prefixes.filter((prefix) => !this.#given.has(prefix))
    if (this.#sorted) {
      const last = [...objects.map(({key}) => key), ...prefixes].toSorted(compareKeys).at(-1)
      if (last !== undefined) {
        this.#last = last
        // What follows may be rolled up into the same prefix once more; no earlier key can come again.
        this.#given.clear()
        this.#given.add(last)
      }
    } else {
      for (const {key} of objects) this.#given.add(key)
      for (const prefix of prefixes) this.#given.add(prefix)
    }
    return {...page, objects, prefixes}
  }
}
