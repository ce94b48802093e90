import {RepriseError} from '../base/errors.js'
import {restoreArchive} from './restore-archive.js'
import {deliveredBytes, type TranscriptBytes} from './bytes.js'
import {confirmJournal} from './journal.js'
import {keepLate, keepMetadata} from './keep-aside.js'
import type {Lease} from './lease.js'
import {type TranscriptRef, transcriptPrefix} from './names.js'
import type {RangedPart} from './part.js'
import {PendingDeletes} from './pending-deletes.js'
import {highestEpoch, openJournals, planRebase, type RebaseOptions, writeRebase} from './rebase.js'
import {endAfter, endOf, type TranscriptEnd} from './transcript-end.js'
import {type TranscriptView, viewTranscript} from './view.js'
import {type Run, type WriteContext, writeRange, type WrittenPart} from './write-part.js'

const MAX_SETTLE_ROUNDS = 20

/** An append as its caller knows it; where it begins is where the transcript ends. */
export type Tail = Omit<Run, 'from' | 'before'>

export interface SettleOptions {
  /**
   * Bring loose and forked parts into the chain. Not while a claude mirrors its file: the chain would no longer be the file's.
   * Remembered for later calls. Default true.
   */
  readonly adopt?: boolean
}

export interface LeasedTranscriptOptions {
  /** How long displaced parts stay where someone else wrote in the last ten minutes, in ms. Default 60,000. */
  readonly grace?: number
}

/**
 * One transcript in the hands of the holder of its session's lease: one chain, nothing beside it, and everything that resolves
 * here is acknowledged. One call at a time; one instance a transcript for the life of a lease.
 *
 * When a call rejects for another reason than LEASE_LOST, what it was to write may or may not be stored: the next call lists and
 * resolves again before it does anything.
 */
export class LeasedTranscript {
  readonly ref: TranscriptRef
  readonly #context: WriteContext
  readonly #lease: Lease
  readonly #deletes: PendingDeletes
  #end: TranscriptEnd | undefined
  /** The epoch of a write that failed and may land yet. */
  #unsure = 0
  #recovered = false
  #adopt = true
  #busy = false

  constructor(context: WriteContext, lease: Lease, ref: TranscriptRef, {grace = 60_000}: LeasedTranscriptOptions = {}) {
    this.ref = ref
    this.#context = context
    this.#lease = lease
    this.#deletes = new PendingDeletes(context, grace)
  }

  /** Bytes stored, and their digest. Known after `settle`. */
  get end(): {readonly length: number; readonly digest: string} {
    return this.#known()
  }

  /**
   * Lists and resolves, under the lease, until there is one chain that later writers of older epochs cannot outrank: marks what a
   * dead holder's rebase left open, adopts loose and forked parts, sets a barrier on a cut-off epoch.
   */
  async settle({adopt = true}: SettleOptions = {}): Promise<void> {
    this.#adopt = adopt
    await this.#exclusively(() => this.#settle())
  }

  /**
   * Behind `end`, as `settle` found it or the last call left it. Acknowledged when it resolves.
   *
   * @throws LEASE_LOST
   */
  async append(tail: Tail): Promise<WrittenPart> {
    return this.#exclusively(async () => {
      const end = this.#known()
      if (tail.to <= end.length) throw new Error('an append must go beyond what is stored')
      return this.#put({...tail, from: end.length, before: end.digest}, end)
    })
  }

  /** Makes the transcript `target`'s bytes, whatever that removes. @returns the part that was written. */
  async rebase(target: TranscriptBytes, options: RebaseOptions = {}): Promise<RangedPart> {
    return this.#exclusively(async () => {
      await this.#current()
      return this.#rebase(() => target, options)
    })
  }

  /**
   * After it resolves, everything up to `end` was stored under the lease at an instant after the call.
   *
   * @throws LEASE_LOST
   */
  async assure(): Promise<void> {
    await this.#exclusively(async () => {
      await this.#current()
      await this.#lease.renew()
    })
  }

  /**
   * Ends the chain with a part of this epoch, an empty one where the last is another's: what was sent under an older epoch is fenced from
   * then on, and may be swept. Nothing else changes.
   */
  async stand(): Promise<void> {
    await this.#exclusively(async () => {
      const end = await this.#current()
      if (end.epoch !== this.#lease.epoch) await this.#barrier(end)
    })
  }

  /** Moves fenced parts that the path does not use to `.reprise/late/`. @returns how many. */
  async sweep(): Promise<number> {
    return this.#exclusively(async () => {
      const end = await this.#current()
      if (end.epoch !== this.#lease.epoch) return 0
      const view = await this.#look()
      if (view.resolution.tip?.range.epoch !== this.#lease.epoch) {
        this.#end = undefined
        return 0
      }
      const used = new Set(view.resolution.slices.map((slice) => slice.part.name))
      const late = view.resolution.fenced.filter((part) => !used.has(part.name))
      if (late.length === 0) return 0
      await this.#lease.renew()
      for (const part of late) await keepLate(this.#context, this.ref, part)
      this.#deletes.add(
        view,
        late.map((part) => part.key),
      )
      return late.length
    })
  }

  /** Deletes what rebases displaced, as far as its grace is over. Call now and then, and before the lease is released. */
  async tidy(): Promise<void> {
    await this.#exclusively(async () => {
      if (!this.#deletes.areWaiting || !this.#deletes.areDue(await this.#date())) return
      await this.#lease.renew()
      await this.#deletes.carryOut(await this.#date())
    })
  }

  /** The clock of the parts' store: from its answers about the lease, or from a listing where the lease lies elsewhere. */
  async #date(): Promise<number> {
    return this.#lease.date ?? (await this.#context.parts.list(this.ref)).date
  }

  async #current(): Promise<TranscriptEnd> {
    if (!this.#end) await this.#settle()
    return this.#known()
  }

  #known(): TranscriptEnd {
    if (!this.#end) throw new Error('the transcript is not settled')
    return this.#end
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < MAX_SETTLE_ROUNDS; round++) if (await this.#settled()) return
    throw neverSettles(this.ref)
  }

  /** One look and the one step that it calls for. @returns whether nothing was left to do. */
  async #settled(): Promise<boolean> {
    const view = await this.#look()
    if (view.archived.length > 0) {
      await restoreArchive(this.#context, view)
      return false
    }
    const {resolution, delivery} = view
    const listed = highestEpoch(view.parts)
    if (this.#lease.created && !this.#recovered && listed > 0) {
      await this.#lease.recover(listed)
      this.#recovered = true
      return false
    }
    // At the first look nothing of this epoch is of this holder's.
    const taken = this.#recovered ? listed > this.#lease.epoch : listed >= this.#lease.epoch
    this.#recovered = true
    if (taken || this.#unsure === this.#lease.epoch) await this.#lease.raiseAbove(listed)
    const open = openJournals(view)
    const isBeside = !delivery.straight || resolution.forks.length > 0 || resolution.loose.length > 0
    const adopts = this.#adopt && isBeside
    // A barrier would cut off leased parts that stand beside the chain since what they follow lost its metadata: those are adopted first.
    const wouldCutOff = resolution.forks.some(({range}) => range.leased)
    if (open.length > 0 && !(adopts && wouldCutOff)) {
      if (resolution.end?.range.epoch !== this.#lease.epoch) await this.#barrier(endOf(view))
      await this.#lease.renew()
      for (const journal of open) await confirmJournal(this.#context.parts.store, this.ref, journal)
      return false
    }
    if (adopts) {
      await this.#rebase((fresh) => deliveredBytes(fresh.delivery, this.#context.parts), {})
      return open.length === 0
    }
    this.#deletes.add(
      view,
      resolution.displaced.map((part) => part.key),
    )
    this.#end = endOf(view)
    const outranked = Math.max(this.#lease.cutOff, this.#unsure)
    const lastLeased = resolution.slices.findLast(({part}) => part.range.leased)
    const ends = [resolution.end, lastLeased?.part].filter((part) => part !== undefined)
    if (outranked > 0 && ends.some(({range}) => range.epoch <= outranked)) await this.#barrier(endOf(view))
    return true
  }

  /** An empty part of this epoch at the end: no part of an epoch before it can outrank what was found. */
  async #barrier(end: TranscriptEnd): Promise<void> {
    const run = {
      from: end.length,
      to: end.length,
      before: end.digest,
      after: end.digest,
      entries: 0,
      body: new Uint8Array(0),
    }
    await this.#put(run, end)
  }

  async #put(run: Run, end: TranscriptEnd): Promise<WrittenPart> {
    const {epoch} = this.#lease
    this.#end = undefined
    this.#unsure = epoch
    const written = await writeRange(
      this.#context,
      this.ref,
      run,
      {epoch, leased: true, gen: end.gen},
      end.lastMs,
      end.date,
    )
    await this.#lease.confirm(written.date)
    this.#unsure = 0
    this.#end = endAfter(written, end.gen)
    return written
  }

  async #rebase(targetOf: (view: TranscriptView) => TranscriptBytes, options: RebaseOptions): Promise<RangedPart> {
    for (let tries = 0; tries < MAX_SETTLE_ROUNDS; tries++) {
      this.#end = undefined
      await this.#lease.raiseAbove(this.#lease.epoch)
      const view = await this.#look()
      const plan = await planRebase(view, targetOf(view), this.#context.parts, options)
      await keepMetadata(this.#context, view, new Set(plan.displaced))
      for (const part of plan.cutShort) await keepLate(this.#context, this.ref, part)
      this.#unsure = this.#lease.epoch
      const rebased = await writeRebase(this.#context, this.#lease, view, plan)
      if (!rebased) continue
      this.#unsure = 0
      const {written} = rebased
      this.#end = endAfter(written, written.part.range.gen)
      this.#deletes.add(
        view,
        [...rebased.journal.displaced].map((name) => transcriptPrefix(this.ref) + name),
      )
      return written.part
    }
    throw neverSettles(this.ref)
  }

  async #look(): Promise<TranscriptView> {
    return viewTranscript(this.#context.parts, this.ref, {journals: 'always'})
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new Error('one call of a transcript at a time')
    this.#busy = true
    try {
      return await work()
    } finally {
      this.#busy = false
    }
  }
}

function neverSettles(ref: TranscriptRef): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'TRANSCRIPT_BUSY',
    message: `${transcriptPrefix(ref)}: others keep writing while this holder of the lease tries to settle it`,
    suggestions: ['reprise status', 'reprise lease ls'],
  })
}
