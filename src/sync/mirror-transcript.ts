import type {Hash} from 'node:crypto'
import {hasCode} from '../base/errors.js'
import {countNewlines, measure, sourceChanged, verifiedBody} from '../store/bytes.js'
import {LeasedTranscript} from '../store/leased-transcript.js'
import type {Lease} from '../store/lease.js'
import type {TranscriptRef} from '../store/names.js'
import type {PartListing} from '../store/parts.js'
import type {Resolution} from '../store/resolve.js'
import {viewTranscript} from '../store/view.js'
import {entryIdentity} from '../transcript/entry-identity.js'
import {readLines} from '../transcript/lines.js'
import {settleTranscript} from '../store/settle-transcript.js'
import {pointBeside} from './beside.js'
import type {Extent} from './compare.js'
import {type SyncContext, writeContext} from './context.js'
import {type LocalTranscript, openLocalTranscript} from './local-transcript.js'
import {appendLoose} from './push-transcript.js'

/** How many of the last bytes are compared before new ones are believed to follow them. */
const WITNESS = 64 * 1024
/** Ends that the file is known to have had; the longest that still stands in the store counts. */
const MAX_KNOWN = 64

/** The file as far as it is stored, and what is needed to go on from there. */
interface Reached {
  readonly length: number
  readonly hash: Hash
  /** The last bytes before `length`. */
  readonly witness: Buffer
  readonly dev: number
  readonly ino: number
  /** Parts stand beside the chain that this identity may not clear away: what follows goes beside it too. */
  readonly beside: boolean
}

export interface MirrorStep {
  readonly bytes: number
  readonly parts: number
  readonly entries: number
}

const NOTHING: MirrorStep = {bytes: 0, parts: 0, entries: 0}

/**
 * Keeps one stored transcript equal to a growing local file, under the session's lease. New bytes are believed to follow the old ones
 * when the last of those still stand there; where they do not, and at the end, the whole file is hashed again and the store
 * follows it, whatever it lost.
 */
export class MirroredTranscript {
  readonly path: string
  readonly transcript: LeasedTranscript
  readonly #context: SyncContext
  readonly #ref: TranscriptRef
  #known: readonly Extent[]
  #reached: Reached | undefined
  #isHere = false
  #leftBeside = false

  /** @param known how far what is stored was this file's, by earlier runs on this machine. */
  constructor(context: SyncContext, lease: Lease, ref: TranscriptRef, path: string, known: readonly Extent[] = []) {
    this.path = path
    this.#known = known
    this.#context = context
    this.#ref = ref
    this.transcript = new LeasedTranscript(writeContext(context), lease, ref)
  }

  /** Before it is pulled. @param listing under the lease. */
  async settle(listing: PartListing): Promise<void> {
    this.#leftBeside = await settleTranscript(this.#context, this.transcript, listing)
  }

  /** The file was there, and is not there any more: what it held at its end is not known. */
  async isGone(): Promise<boolean> {
    if (!this.#isHere) return false
    await using local = await this.#open()
    return local === undefined
  }

  /** What is stored and acknowledged, as far as this process knows. */
  get stored(): Extent | undefined {
    return this.#reached && {length: this.#reached.length, digest: this.#reached.hash.copy().digest('hex')}
  }

  /**
   * Stores the whole lines that the file has now. A file that is gone changes nothing: a local deletion is never carried over.
   *
   * @param options.whole hash the file from its first byte instead of trusting what was hashed before.
   * @throws LEASE_LOST, LOCAL_CHANGED, and what store and file system throw: what was to be stored may or may not be.
   */
  async sync({whole = false} = {}): Promise<MirrorStep> {
    await using local = await this.#open()
    if (!local) return NOTHING
    this.#isHere = true
    const before = whole ? undefined : this.#reached
    this.#reached = undefined
    const reached = before && (await this.#follows(local, before)) ? before : await this.#begin(local)
    if (reached === 'beyond') return NOTHING
    if (!reached) return await this.#rebase(local)
    if (reached.length === local.length) {
      this.#reached = reached
      return NOTHING
    }
    return await (reached.beside ? this.#appendBeside(local, reached) : this.#append(local, reached))
  }

  async #open(): Promise<LocalTranscript | undefined> {
    try {
      return await openLocalTranscript(this.path, this.#context.uid)
    } catch (error) {
      if (hasCode(error, 'FILE_NOT_FOUND')) return undefined
      throw error
    }
  }

  async #follows(local: LocalTranscript, {length, witness, dev, ino}: Reached): Promise<boolean> {
    const {file} = local
    if (file.dev !== dev || file.ino !== ino || local.length < length) return false
    return (await collect(local, length - witness.length, length)).equals(witness)
  }

  async #begin(local: LocalTranscript): Promise<Reached | 'beyond' | undefined> {
    const start = this.#leftBeside ? undefined : await this.#start(local)
    if (start !== undefined) return start
    const from = await pointBeside(this.#context, this.#ref, local)
    const end = from === undefined ? undefined : (await measure(local, [from])).get(from)
    if (from === undefined || !end) return this.#leftBeside ? this.#start(local) : undefined
    this.#leftBeside = true
    return this.#at(local, from, end.hash, true)
  }

  /**
   * Where the file goes on from what is stored.
   *
   * @returns `beyond` when others, without a lease, went on behind all that the file has: theirs stays; undefined when the file does
   *   not begin with what is stored.
   */
  async #start(local: LocalTranscript): Promise<Reached | 'beyond' | undefined> {
    await this.transcript.settle({adopt: false})
    const {length, digest} = this.transcript.end
    const offsets = [local.length, Math.min(length, local.length)]
    const measured = await measure(local, offsets)
    const whole = measured.get(local.length)
    if (local.length < length) {
      const {resolution} = await viewTranscript(this.#context.parts, this.#ref)
      if (resolution.length < local.length || (await this.#ownLength(resolution)) > local.length) return undefined
      const common = await resolution.digests.at(resolution.path, local.length)
      return common === whole?.digest ? 'beyond' : undefined
    }
    const start = measured.get(length)
    return start?.digest === digest ? this.#at(local, length, start.hash) : undefined
  }

  async #append(local: LocalTranscript, {length, hash}: Reached): Promise<MirrorStep> {
    const to = local.length
    const next = hash.copy()
    let entries = 0
    for await (const chunk of local.read(length, to)) {
      next.update(chunk)
      entries += countNewlines(chunk)
    }
    const after = next.copy().digest('hex')
    const body = await verifiedBody(local, length, to, hash, after)
    await this.transcript.append({to, after, entries, body})
    this.#reached = await this.#at(local, to, next)
    return {bytes: to - length, parts: 1, entries}
  }

  async #appendBeside(local: LocalTranscript, {length, hash}: Reached): Promise<MirrorStep> {
    const to = local.length
    const next = hash.copy()
    for await (const chunk of local.read(length, to)) next.update(chunk)
    const listing = await this.#context.parts.list(this.#ref)
    const step = await appendLoose(this.#context, local, listing, length)
    this.#reached = await this.#at(local, to, next, true)
    return step
  }

  /** Claude rewrote the file: what it removed goes, what others wrote beside it stays. */
  async #rebase(local: LocalTranscript): Promise<MirrorStep> {
    const held = await this.#held(local)
    const {size, range} = await this.transcript.rebase(local, {held: (identity) => held.has(identity)})
    const end = (await measure(local, [range.to])).get(range.to)
    this.#remember({length: range.to, digest: range.after})
    // Rewritten again meanwhile: the next look starts over.
    if (end?.digest !== range.after) throw sourceChanged()
    this.#reached = await this.#at(local, range.to, end.hash)
    return {bytes: size, parts: 1, entries: range.entries}
  }

  /**
   * Entries that the file has, or had: of what is stored, as far as this mirror, or an earlier run on this machine, knows that it was the
   * file's. What lies behind that was written by others.
   */
  async #held(local: LocalTranscript): Promise<Set<string>> {
    const {parts} = this.#context
    const {resolution} = await viewTranscript(parts, this.#ref)
    const held = new Set<string>()
    const add = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
      for await (const line of readLines(bytes, {onTooLong: 'report'})) held.add(entryIdentity(line.bytes).key)
    }
    await add(local.read(0, local.length))
    const own = await this.#ownLength(resolution)
    for (const {part, start, end} of resolution.slices) {
      const last = Math.min(end, own)
      if (start < last) await add(parts.read(part, start - part.range.from, last - part.range.from))
    }
    return held
  }

  /** How much of the path is known to have been the file's. */
  async #ownLength({length: whole, digests, path}: Resolution): Promise<number> {
    let own = 0
    for (const {length, digest} of this.#known) {
      if (length > own && length <= whole && (await digests.at(path, length)) === digest) own = length
    }
    return own
  }

  #remember(extent: Extent): void {
    this.#known = [...this.#known, extent].slice(-MAX_KNOWN)
  }

  async #at(local: LocalTranscript, length: number, hash: Hash, beside = false): Promise<Reached> {
    this.#remember({length, digest: hash.copy().digest('hex')})
    const witness = await collect(local, Math.max(0, length - WITNESS), length)
    return {length, hash, witness, dev: local.file.dev, ino: local.file.ino, beside}
  }
}

async function collect(local: LocalTranscript, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of local.read(start, end)) chunks.push(chunk)
  return Buffer.concat(chunks)
}
