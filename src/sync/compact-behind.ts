import pLimit from 'p-limit'
import {AbortingObjectStore} from '../object-store/aborting.js'
import {BackgroundCompaction, type GrowingTranscript} from '../store/background-compaction.js'
import type {Compacted, CompactionOptions} from '../store/compact-transcript.js'
import {type TranscriptRef, transcriptPrefix} from '../store/names.js'
import {againWhenMoved, Parts} from '../store/parts.js'
import {viewTranscript} from '../store/view.js'
import {mergeParts} from './compact-parts.js'
import type {SyncContext} from './context.js'

/** Appends come first. */
const AT_ONCE = 2
/** How long it may hold up whoever waits for the end. */
const AT_END_MS = 2_000

/** It is asked for when there is something to delete. */
const mayDelete = async (): Promise<boolean> => true

/**
 * Compacts the transcripts that this process appends to, beside its appends, when they are past `SyncContext.compactAt` parts. What
 * it cannot do, or not in time, is left to the next one.
 */
export class CompactionsBehind implements Disposable {
  readonly #context: SyncContext
  readonly #transcripts = new Map<string, {counted: Transcript; compaction: BackgroundCompaction}>()
  readonly #limit = pLimit(AT_ONCE)

  constructor(context: SyncContext) {
    this.#context = context
  }

  /** A transcript has so many parts before anything is appended to it. */
  found(ref: TranscriptRef, parts: number): void {
    this.#of(ref).counted.parts = parts
  }

  /** A transcript has so many parts more. Returns at once. */
  grown(ref: TranscriptRef, parts: number): void {
    if (parts === 0) return
    const {counted, compaction} = this.#of(ref)
    counted.parts += parts
    compaction.grown()
  }

  /** Waits for what is under way, two seconds at most, and ends the rest. */
  async finish(signal?: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const patience = signal ? AbortSignal.any([signal, waiting.signal]) : waiting.signal
    const late = this.#context.clock.sleep(AT_END_MS, patience).catch(() => undefined)
    const compactions = [...this.#transcripts.values()].map(({compaction}) => compaction)
    await Promise.race([Promise.all(compactions.map(async (each) => each.idle())), late])
    waiting.abort()
    this[Symbol.dispose]()
  }

  /** Ends what is under way. */
  [Symbol.dispose](): void {
    for (const {compaction} of this.#transcripts.values()) compaction.stop()
  }

  #of(ref: TranscriptRef) {
    const name = transcriptPrefix(ref)
    const known = this.#transcripts.get(name)
    if (known) return known
    const {compactAt = 0, logger} = this.#context
    const counted = new Transcript(ref, async (options) => this.#limit(async () => this.#compact(ref, options)))
    const made = {counted, compaction: new BackgroundCompaction(counted, {compactAt, mayDelete, logger})}
    this.#transcripts.set(name, made)
    return made
  }

  async #compact(ref: TranscriptRef, {signal}: CompactionOptions): Promise<Compacted | undefined> {
    signal?.throwIfAborted()
    const store = signal ? new AbortingObjectStore(this.#context.store, signal) : this.#context.store
    const parts = new Parts(store, {known: this.#context.parts})
    const merged = await againWhenMoved(async () =>
      mergeParts(this.#context, parts, await viewTranscript(parts, ref, {journals: 'always'}), {signal}),
    )
    return typeof merged === 'object' ? merged.done : undefined
  }
}

class Transcript implements GrowingTranscript {
  readonly ref: TranscriptRef
  parts = 0
  readonly #compact: (options: CompactionOptions) => Promise<Compacted | undefined>

  constructor(ref: TranscriptRef, compact: (options: CompactionOptions) => Promise<Compacted | undefined>) {
    this.ref = ref
    this.#compact = compact
  }

  async compact(options: CompactionOptions): Promise<Compacted | undefined> {
    const done = await this.#compact(options)
    // Parts that were written meanwhile count on.
    if (done) this.parts -= done.before - done.after
    return done
  }
}
