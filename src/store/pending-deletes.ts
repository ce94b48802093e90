import {othersWroteLately} from './recent-writers.js'
import type {TranscriptView} from './view.js'
import type {WriteContext} from './write-part.js'

interface PendingDelete {
  readonly keys: readonly string[]
  /** By the store's clock. */
  readonly notBefore: number
}

/**
 * Objects that nothing needs any more, until they may go: an unaware reader in the middle of a listing fails on a part that is gone, so
 * where someone else wrote lately they wait.
 */
export class PendingDeletes {
  readonly #context: WriteContext
  readonly #grace: number
  #pending: PendingDelete[] = []

  /** @param grace how long they wait where someone else wrote in the last ten minutes, ms */
  constructor(context: WriteContext, grace: number) {
    this.#context = context
    this.#grace = grace
  }

  add(view: TranscriptView, keys: readonly string[]): void {
    if (keys.length === 0) return
    const {date} = view.listing
    const wait = othersWroteLately(view, this.#context.machine) ? this.#grace : 0
    this.#pending.push({keys, notBefore: date + wait})
  }

  /** Some may go at some time: those that the store would not delete are left to the next holder. */
  get areWaiting(): boolean {
    return this.#pending.some(({notBefore}) => Number.isFinite(notBefore))
  }

  /** @param date by the store's clock */
  areDue(date: number): boolean {
    return this.#pending.some(({notBefore}) => notBefore <= date)
  }

  /** Deletes those that are due. Only after a renewal of the lease. */
  async carryOut(date: number): Promise<void> {
    const due = this.#pending.filter(({notBefore}) => notBefore <= date)
    this.#pending = this.#pending.filter((each) => !due.includes(each))
    const {failed} = await this.#context.parts.store.delete(due.flatMap(({keys}) => keys))
    const left = failed.map(({key}) => key)
    if (left.length > 0) this.#pending.push({keys: left, notBefore: Number.POSITIVE_INFINITY})
  }
}
