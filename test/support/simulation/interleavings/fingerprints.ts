import {createHash} from 'node:crypto'
import type {ObjectStore} from '../../../../src/object-store/object-store.js'

/**
 * Tells states apart: by what is stored, and by what each process was answered, since nothing else decides what it does. An etag
 * counts as the write that it came from: writes of several keys in another order are no other state.
 */
export class Fingerprints {
  readonly #store: ObjectStore
  readonly #stored = new Map<string, string>()
  readonly #writes = new Map<string, string>()
  readonly #answers: string[] = []

  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** A write has landed at a key. */
  async wrote(key: string, id: string): Promise<void> {
    const head = await this.#store.head(key)
    if (!head) {
      this.#stored.set(key, 'gone')
      return
    }
    if (!this.#writes.has(head.etag)) this.#writes.set(head.etag, id)
    this.#stored.set(key, this.#text(head))
  }

  answered(id: string, outcome: PromiseSettledResult<unknown>): void {
    const answer = outcome.status === 'fulfilled' ? outcome.value : String(outcome.reason)
    this.#answers.push(`${id} ${this.#text(answer)}`)
  }

  of(rest: readonly string[]): string {
    const stored = [...this.#stored].map(([key, text]) => `${key} ${text}`)
    const all = [...stored.toSorted(), '|', ...this.#answers.toSorted(), '|', ...rest]
    return createHash('sha256').update(all.join('\n')).digest('base64')
  }

  #text(value: unknown): string {
    return JSON.stringify(value, (name, each: unknown) => {
      if (name === 'body') return undefined
      return name === 'etag' && typeof each === 'string' ? (this.#writes.get(each) ?? each) : each
    })
  }
}
