import {createHash, type Hash} from 'node:crypto'
import {setMaxListeners} from 'node:events'
import {EMPTY_SHA256} from '../base/hash.js'
import {restoreArchive} from '../store/restore-archive.js'
import type {Compacted, CompactionOptions} from '../store/compact-transcript.js'
import type {PartName, TranscriptRef} from '../store/names.js'
import {METADATA_DIGITS} from '../store/names.js'
import {type PartListing, Parts} from '../store/parts.js'
import {type AppendPoint, appendPoint, pointAfter} from '../store/unleased.js'
import {
  lastMs,
  looseDigits,
  nextMs,
  type Run,
  type WriteContext,
  writeFreeAt,
  writeRangeAt,
} from '../store/write-part.js'
import type {Appended, Appender} from './appender.js'
import {type Knowledge, learn, sameParts} from './knowledge.js'
import {KnownTranscript} from './known-transcript.js'
import type {Piece} from './piece.js'
import type {SummaryFold} from './summary-fold.js'
import type {SummaryState} from './summary-keeper.js'

const MAX_TRIES = 20

export interface ChainAppenderOptions {
  /** How long a transcript that is there already may be read before the first piece goes up beside the chain, ms. */
  readonly readLimitMs: number
  /** Runs before the transcript's first part. */
  readonly beforeFirst: () => Promise<void>
  readonly newSummary: () => SummaryFold | undefined
}

/** At the end of the chain, or, where loose parts stand, beside it. */
interface Place {
  readonly point: AppendPoint
  /** Of the path's bytes; without it nothing can be added to the chain. */
  readonly hash: Hash | undefined
}

/** A try whose outcome may be unknown, kept to be made again as it was. */
interface Attempt {
  readonly piece: Piece
  readonly name: PartName
  readonly run?: Run
  readonly hash?: Hash
}

/**
 * Appends without a lease: at the end of the chain that one listing and one reading showed, and from then on behind its own last part.
 * What others write meanwhile makes a fork, which readers deliver once each.
 */
export class ChainAppender implements Appender {
  #context: WriteContext
  readonly #ref: TranscriptRef
  readonly #options: ChainAppenderOptions
  #place: Place | undefined
  #attempt: Attempt | undefined
  readonly #known = new KnownTranscript()
  #primed: Knowledge | undefined

  constructor(context: WriteContext, ref: TranscriptRef, options: ChainAppenderOptions) {
    this.#context = context
    this.#ref = ref
    this.#options = options
  }

  get parts(): number {
    return this.#known.parts
  }

  async compact(options: CompactionOptions): Promise<Compacted> {
    return this.#known.compact(this.#context, this.#ref, options)
  }

  /** Who holds no lease displaces nothing. */
  async tidy(): Promise<void> {}

  state(): SummaryState | undefined {
    return this.#known.state(this.#context, this.#ref, this.#place?.point.lastMs ?? 0)
  }

  /** What somebody else has just read: saves the reading, not the listing. */
  prime(knowledge: Knowledge): void {
    if (this.#attempt) return
    this.#primed = knowledge
    this.#context = {...this.#context, parts: new Parts(this.#context.parts.store, {known: knowledge.parts})}
    this.#place = undefined
  }

  has(id: string): boolean {
    return this.#known.has(id)
  }

  async isThere(): Promise<boolean> {
    const {parts} = await this.#context.parts.list(this.#ref)
    if (parts.length > 0) return true
    this.#place = undefined
    this.#known.forget()
    return false
  }

  async open(): Promise<void> {
    if (this.#place) return
    const listing = await this.#context.parts.list(this.#ref)
    this.#known.listed(listing)
    if (listing.parts.length === 0) {
      await this.#options.beforeFirst()
      this.#known.learned({summary: this.#options.newSummary()})
      const point = {length: 0, digest: EMPTY_SHA256, epoch: 0, gen: 0, lastMs: 0, date: listing.date}
      this.#place = {point, hash: createHash('sha256')}
      return
    }
    const primed = this.#primed
    this.#primed = undefined
    const knowledge = primed && sameParts(primed.view.listing, listing) ? primed : await this.#learn(listing)
    if (knowledge && knowledge.view.archived.length > 0) {
      await restoreArchive(this.#context, knowledge.view)
      return this.open()
    }
    if (knowledge) this.#known.learned(knowledge)
    const point = knowledge && appendPoint(knowledge.view)
    this.#place = point ? {point, hash: knowledge.hash} : beside(listing)
  }

  async write(piece: Piece): Promise<Appended> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await this.open()
      const attempt = this.#attempt?.piece === piece ? this.#attempt : this.#plan(piece)
      this.#attempt = attempt
      const place = await this.#try(attempt)
      this.#attempt = undefined
      this.#place = place
      if (!place) continue
      this.#known.wrote(piece)
      return {written: true}
    }
    throw new Error('others take every name that is tried')
  }

  /** @returns undefined when it took too long: the caller of an append has no more time. */
  async #learn(listing: PartListing): Promise<Knowledge | undefined> {
    const reading = new AbortController()
    setMaxListeners(0, reading.signal) // one for each request under way
    const waiting = new AbortController()
    const parts = new Parts(this.#context.parts.store, {known: this.#context.parts, signal: reading.signal})
    const learned = learn(parts, this.#ref, this.#options.newSummary, {listing})
    const late = this.#context.clock.sleep(this.#options.readLimitMs, waiting.signal).then(() => undefined)
    late.catch(() => undefined)
    try {
      return await Promise.race([learned, late])
    } finally {
      waiting.abort()
      reading.abort()
      learned.catch(() => undefined)
    }
  }

  #plan(piece: Piece): Attempt {
    const {point, hash} = this.#here()
    const ms = nextMs(this.#context.clock, point.lastMs, point.date)
    if (piece.kind === 'metadata') return {piece, name: {ms, digits: METADATA_DIGITS}}
    if (!hash) return {piece, name: {ms, digits: looseDigits(this.#context.random)}}
    const next = hash.copy().update(piece.body)
    const run: Run = {
      from: point.length,
      to: point.length + piece.body.byteLength,
      before: point.digest,
      after: next.copy().digest('hex'),
      entries: piece.entries.length,
      body: piece.body,
    }
    return {piece, name: {ms, digits: ''}, run, hash: next}
  }

  /** @returns the place after it; undefined when its name is taken by another's bytes. */
  async #try({piece, name, run, hash}: Attempt): Promise<Place | undefined> {
    const here = this.#here()
    if (run && hash) {
      const {epoch, gen} = here.point
      const written = await writeRangeAt(this.#context, this.#ref, run, {epoch, gen, leased: false}, name.ms)
      return written && {point: pointAfter(written), hash}
    }
    const written = await writeFreeAt(this.#context, this.#ref, piece.body, name)
    return written && {...here, point: {...here.point, lastMs: written.ms, date: written.date}}
  }

  #here(): Place {
    if (!this.#place) throw new Error('the transcript is not open')
    return this.#place
  }
}

function beside(listing: PartListing): Place {
  const point = {length: 0, digest: EMPTY_SHA256, epoch: 0, gen: 0, lastMs: lastMs(listing), date: listing.date}
  return {point, hash: undefined}
}
