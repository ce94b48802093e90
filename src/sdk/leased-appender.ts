import type {Hash} from 'node:crypto'
import type {Compacted, CompactionOptions} from '../store/compact-transcript.js'
import type {Lease} from '../store/lease.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import {METADATA_DIGITS, type PartName, type TranscriptRef} from '../store/names.js'
import {settleTranscript} from '../store/settle-transcript.js'
import {viewTranscript} from '../store/view.js'
import {lastMs, looseDigits, nextMs, type WriteContext, writeFreeAt} from '../store/write-part.js'
import type {Appended, Appender} from './appender.js'
import {learn} from './knowledge.js'
import {KnownTranscript} from './known-transcript.js'
import type {Piece} from './piece.js'
import type {SummaryFold} from './summary-fold.js'
import type {SummaryState} from './summary-keeper.js'

const MAX_TRIES = 20

export interface LeasedAppenderOptions {
  /** The session's lease; acquired at the first call. Rejects once it is lost. */
  readonly hold: () => Promise<Lease>
  readonly beforeFirst: () => Promise<void>
  readonly newSummary: () => SummaryFold | undefined
}

interface Place {
  readonly length: number
  readonly digest: string
  readonly hash: Hash
  /** Parts stand beside the chain that this identity may not clear away: what follows goes there too. */
  readonly isBeside: boolean
}

/** Appends under the session's lease: one chain, nothing beside it, and what resolves is acknowledged. */
export class LeasedAppender implements Appender {
  readonly #context: WriteContext
  readonly #ref: TranscriptRef
  readonly #options: LeasedAppenderOptions
  #transcript: LeasedTranscript | undefined
  #lease: Lease | undefined
  #settled = false
  #place: Place | undefined
  /** What a failed try would have led to. */
  #unsure: {readonly piece: Piece; readonly place: Place} | undefined
  /** A piece of which a try that seemed to fail had landed, with other bytes behind it since. */
  #landed: Piece | undefined
  /** A try outside the chain, to be made again as it was. */
  #free: {readonly piece: Piece; readonly name: PartName} | undefined
  readonly #known = new KnownTranscript()
  #lastMs = 0
  /** The store's clock at the last listing. */
  #date = 0

  constructor(context: WriteContext, ref: TranscriptRef, options: LeasedAppenderOptions) {
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

  state(): SummaryState | undefined {
    return this.#known.state(this.#context, this.#ref, this.#lastMs)
  }

  has(id: string): boolean {
    return this.#known.has(id)
  }

  async isThere(): Promise<boolean> {
    const {parts} = await this.#context.parts.list(this.#ref)
    if (parts.length > 0) return true
    this.#settled = false
    this.#place = undefined
    this.#known.forget()
    return false
  }

  async open(): Promise<void> {
    const lease = await this.#options.hold()
    if (lease !== this.#lease) {
      this.#lease = lease
      this.#transcript = new LeasedTranscript(this.#context, lease, this.#ref)
      this.#settled = false
    }
    for (let tries = 0; !this.#settled; tries++) {
      if (tries === MAX_TRIES) throw new Error('others keep writing beside the holder of the lease')
      await this.#settle(this.#held())
    }
  }

  async write(piece: Piece): Promise<Appended> {
    await this.open()
    const here = this.#here()
    if (this.#unsure?.piece === piece && this.#unsure.place.digest === here.digest) {
      await this.#held().assure()
      this.#known.wrote(piece)
      return this.#done(here, false)
    }
    if (this.#landed === piece) {
      await this.#held().assure()
      return this.#done(here, false)
    }
    if (piece.kind === 'metadata' || here.isBeside) return this.#writeFree(piece, here)
    const hash = here.hash.copy().update(piece.body)
    const place = {
      length: here.length + piece.body.byteLength,
      digest: hash.copy().digest('hex'),
      hash,
      isBeside: false,
    }
    this.#unsure = {piece, place}
    this.#settled = false
    const {part} = await this.#held().append({
      to: place.length,
      after: place.digest,
      entries: piece.entries.length,
      body: piece.body,
    })
    this.#settled = true
    this.#lastMs = Math.max(part.parsed?.ms ?? 0, this.#lastMs)
    this.#known.wrote(piece)
    return this.#done(place, true)
  }

  async tidy(): Promise<void> {
    if (this.#settled) await this.#transcript?.tidy()
  }

  #done(place: Place, written: boolean): Appended {
    this.#unsure = undefined
    this.#landed = undefined
    this.#place = place
    return {written}
  }

  /** Outside the chain, under a name that stays the same however often it is tried. */
  async #writeFree(piece: Piece, here: Place): Promise<Appended> {
    if (this.#free?.piece !== piece) {
      const digits = piece.kind === 'metadata' ? METADATA_DIGITS : looseDigits(this.#context.random)
      this.#free = {piece, name: {ms: nextMs(this.#context.clock, this.#lastMs, this.#date), digits}}
    }
    for (const name = {...this.#free.name}; ; name.ms++) {
      this.#free = {piece, name: {...name}}
      const written = await writeFreeAt(this.#context, this.#ref, piece.body, name)
      if (!written) continue
      await this.#lease?.confirm(written.date)
      this.#free = undefined
      this.#lastMs = name.ms
      this.#known.wrote(piece)
      return this.#done(here, true)
    }
  }

  /** Lists under the lease, brings the transcript to one chain, and learns what it holds unless that is known. */
  async #settle(transcript: LeasedTranscript): Promise<void> {
    if (this.#unsure && (await this.#hasLanded(transcript, this.#unsure.place))) this.#landed = this.#unsure.piece
    const isBeside = await settleTranscript(this.#context, transcript)
    const {length, digest} = transcript.end
    const known = [this.#place, this.#unsure?.place].find((place) => place?.digest === digest && !isBeside)
    if (known) {
      this.#place = known
    } else {
      const {view, hash, ids, summary} = await learn(this.#context.parts, this.#ref, this.#options.newSummary)
      if (view.resolution.length !== length || (length > 0 && view.resolution.digest !== digest)) return
      if (view.parts.length === 0) await this.#options.beforeFirst()
      this.#place = {length, digest, hash, isBeside}
      this.#known.listed(view.listing)
      this.#known.learned({ids, summary})
      this.#lastMs = lastMs(view.listing)
      this.#date = view.listing.date
      // What it brought is among what was just read.
      if (this.#landed) this.#unsure = undefined
    }
    this.#settled = true
  }

  /**
   * Whether the chain goes through the place that a failed try would have led to. Asked before anything else is brought into the chain,
   * which would hide it; what lands later is of an epoch that is cut off by then.
   */
  async #hasLanded(transcript: LeasedTranscript, {length, digest}: Place): Promise<boolean> {
    await transcript.settle({adopt: false})
    const {resolution} = await viewTranscript(this.#context.parts, this.#ref, {journals: 'always'})
    const standing = [
      ...resolution.slices.flatMap(({part, end}) => (part.range.to === end ? [part] : [])),
      ...resolution.covered,
    ]
    return standing.some(({range}) => range.to === length && range.after === digest)
  }

  #held(): LeasedTranscript {
    if (!this.#transcript) throw new Error('the transcript is not open')
    return this.#transcript
  }

  #here(): Place {
    if (!this.#place) throw new Error('the transcript is not open')
    return this.#place
  }
}
