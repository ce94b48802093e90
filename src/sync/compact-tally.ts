import type {StoreTotals} from '../object-store/metered.js'
import type {Compacted} from '../store/compact-transcript.js'
import type {SessionRef, TranscriptRef} from '../store/names.js'
import {addRequests, type JoinEffort, NO_REQUESTS, type Requests} from './compact-cost.js'
import type {LeftReason} from './compact-parts.js'

const DELETE_BATCH = 1000

export type CompactAction = 'compacted' | 'archived' | 'adopted' | 'unchanged' | 'left' | 'failed'

export interface CompactedSession {
  readonly sessionId: string
  readonly projectKey: string
  readonly action: CompactAction
  readonly partsBefore: number
  readonly partsAfter: number
  /** Through this machine. */
  readonly bytesRead: number
  readonly bytesWritten: number
  /** That the store copied by itself. */
  readonly bytesJoined: number
  /** Objects. */
  readonly deleted: number
  /** Objects that nothing needs any more, and that wait for their grace. */
  readonly waiting: number
  /** Why transcripts were left as they are, or parts beside their chains. */
  readonly left?: readonly LeftReason[]
}

/** Objects that may be deleted when the store's clock says so. */
export interface PendingDeletes {
  readonly ref: TranscriptRef
  readonly keys: readonly string[]
  readonly notBefore: number
}

/** What compacting a session has done so far, or would do. */
export class CompactionTally {
  action: CompactAction = 'unchanged'
  readonly left = new Set<LeftReason>()
  readonly pending: PendingDeletes[] = []
  /** Objects. */
  deleted = 0
  /** Objects, besides those that are pending. */
  waiting = 0
  #requests = NO_REQUESTS
  #parts = {before: 0, after: 0}
  #planned = {read: 0, written: 0, joined: 0}

  get requests(): Requests {
    return this.#requests
  }

  /** Parts of a transcript. */
  counts(before: number, after: number): void {
    this.#parts = {before: this.#parts.before + before, after: this.#parts.after + after}
  }

  merged(ref: TranscriptRef, {deleted, waiting, waitUntil}: Compacted): void {
    this.deleted += deleted
    this.waits(ref, waiting, waitUntil)
    if (this.action === 'unchanged') this.action = 'compacted'
  }

  /** Objects that can go at an instant, in the order of the calls. */
  waits(ref: TranscriptRef, keys: readonly string[], notBefore: number): void {
    if (keys.length > 0) this.pending.push({ref, keys, notBefore})
  }

  takes({requests}: JoinEffort): void {
    this.#requests = addRequests(this.#requests, requests)
  }

  /** What was not done. @param looked bytes that would be read besides. */
  wouldTake({moved, copied}: JoinEffort, deletes: number, looked = 0): void {
    const {read, written, joined} = this.#planned
    this.#planned = {read: read + looked + moved, written: written + moved, joined: joined + copied}
    this.#requests = addRequests(this.#requests, {...NO_REQUESTS, delete: Math.ceil(deletes / DELETE_BATCH)})
  }

  /** What was not packed. */
  wouldPack(read: number, written: number, requests: Requests): void {
    const {joined} = this.#planned
    this.#planned = {read: this.#planned.read + read, written: this.#planned.written + written, joined}
    this.#requests = addRequests(this.#requests, requests)
  }

  result(
    {sessionId, homeKey}: SessionRef,
    {bytesDown, bytesUp, bytesCopied}: Pick<StoreTotals, 'bytesDown' | 'bytesUp' | 'bytesCopied'>,
  ): CompactedSession {
    const {read, written, joined} = this.#planned
    return {
      sessionId,
      projectKey: homeKey,
      action: this.action === 'unchanged' && this.left.size > 0 ? 'left' : this.action,
      partsBefore: this.#parts.before,
      partsAfter: this.#parts.after,
      bytesRead: bytesDown + read,
      bytesWritten: bytesUp + written,
      bytesJoined: bytesCopied + joined,
      deleted: this.deleted,
      waiting: this.waiting + this.pending.reduce((sum, {keys}) => sum + keys.length, 0),
      ...(this.left.size > 0 && {left: [...this.left]}),
    }
  }
}
