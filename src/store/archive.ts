import {createHash, type Hash} from 'node:crypto'
import {hasCode, RepriseError} from '../base/errors.js'
import {EMPTY_SHA256} from '../base/hash.js'
import {CREATE} from '../object-store/object-store.js'
import {readLines} from '../transcript/lines.js'
import {countNewlines, deliveredBytes} from './bytes.js'
import {encoded} from './codec.js'
import type {Lease} from './lease.js'
import {archivePrefix, chainDigits, formatPartName, type TranscriptRef, transcriptPrefix} from './names.js'
import {type Codec, encodeRange, type PartRange} from './part.js'
import type {Parts} from './parts.js'
import {type TranscriptView, viewTranscript} from './view.js'
import {type WriteContext, writeRange} from './write-part.js'

/** Bytes of a transcript in one archived object; a longer line has one of its own. */
const PIECE = 8 * 1024 * 1024

export interface Archived {
  /** Before and after compression. */
  readonly bytes: number
  readonly packed: number
  /** Keys that are needless now: to be deleted when readers in flight have had their time. */
  readonly displaced: readonly string[]
}

/**
 * Moves a transcript to the archive, packed: its bytes go to objects of their own below `.reprise/archive/`, and an empty part at its
 * end stays where it lay. Under the session's lease, on a settled transcript without anything beside its chain.
 *
 * @returns undefined where something stands beside the chain, or nothing is to be archived.
 * @throws LEASE_LOST
 */
export async function archiveTranscript(
  context: WriteContext,
  lease: Lease,
  ref: TranscriptRef,
  codec: Codec,
): Promise<Archived | undefined> {
  const {parts} = context
  const view = await viewTranscript(parts, ref, {journals: 'always'})
  const {resolution, delivery, listing} = view
  const isOneChain = delivery.straight && resolution.forks.length + resolution.loose.length === 0
  if (!isOneChain || view.archived.length > 0 || resolution.length === 0) return undefined
  let packed = 0
  const names = new ArchiveNames(view)
  for await (const piece of cutPieces(view, parts)) {
    const body = await encoded(piece.bytes, codec)
    const range: PartRange = {
      from: piece.from,
      to: piece.from + piece.bytes.byteLength,
      before: piece.before,
      after: piece.after,
      entries: countNewlines(piece.bytes),
      epoch: lease.epoch,
      leased: true,
      gen: resolution.tip?.range.gen ?? 0,
      machine: resolution.end?.range.machine ?? context.machine,
    }
    await create(parts, archivePrefix(ref) + names.of(range), body, range, codec)
    packed += body.byteLength
  }
  const {length, digest} = resolution
  const stamp = {epoch: lease.epoch, leased: true, gen: resolution.tip?.range.gen ?? 0}
  const run = {from: length, to: length, before: digest, after: digest, entries: 0, body: new Uint8Array(0)}
  const end = await writeRange(context, ref, run, stamp, names.last, listing.date)
  await lease.confirm(end.date)
  const displaced = view.parts.filter((part) => 'range' in part).map(({key}) => key)
  return {bytes: length, packed, displaced}
}

/**
 * Puts back what is archived: copies under the session's prefix first, then the archived objects go. Needs no lease, since nothing
 * that readers are given changes; several at once meet in objects that are there already.
 */
export async function restoreArchive({parts}: Pick<WriteContext, 'parts'>, view: TranscriptView): Promise<void> {
  const {ref} = view
  for (const part of view.archived) {
    const chunks: Uint8Array[] = []
    for await (const chunk of parts.read(part, 0, part.size)) chunks.push(chunk)
    await create(parts, transcriptPrefix(ref) + part.name, Buffer.concat(chunks), part.range, 'plain')
  }
  await parts.store.delete(view.archived.map(({key}) => key))
}

interface Piece {
  readonly from: number
  readonly bytes: Uint8Array
  readonly before: string
  readonly after: string
}

/** Whole lines, up to the size of a piece. */
async function* cutPieces({delivery}: TranscriptView, parts: Parts): AsyncIterable<Piece> {
  const source = deliveredBytes(delivery, parts)
  const hash: Hash = createHash('sha256')
  let from = 0
  let before = EMPTY_SHA256
  let lines: Uint8Array[] = []
  let size = 0
  const cut = (): Piece => {
    const bytes = Buffer.concat(lines)
    const after = hash.update(bytes).copy().digest('hex')
    const piece = {from, bytes, before, after}
    from += bytes.byteLength
    before = after
    lines = []
    size = 0
    return piece
  }
  for await (const {bytes} of readLines(source.read(0, source.length))) {
    if (size > 0 && size + bytes.byteLength > PIECE) yield cut()
    lines.push(bytes)
    size += bytes.byteLength
  }
  if (size > 0) yield cut()
}

/**
 * Names that sort as the pieces go on, that no part of this transcript has or had: an object that is put back must not meet the late
 * delete of another.
 */
class ArchiveNames {
  readonly #ends: readonly {readonly to: number; readonly ms: number}[]
  readonly last: number
  #ms = 0

  constructor({resolution, parts}: TranscriptView) {
    this.#ends = resolution.slices.map(({part, end}) => ({to: end, ms: part.parsed?.ms ?? 0}))
    this.last = parts.reduce((last, part) => Math.max(last, part.parsed?.ms ?? 0), 0)
  }

  of({to, from, after}: PartRange): string {
    const end = this.#ends.find((each) => each.to >= to)
    this.#ms = Math.max(this.#ms + 1, (end?.ms ?? this.last) - 1)
    return formatPartName({ms: this.#ms, digits: chainDigits(after, from)})
  }
}

/** @throws ARCHIVE_CONFLICT when that name has other bytes. */
async function create(parts: Parts, key: string, body: Uint8Array, range: PartRange, codec: Codec): Promise<void> {
  const metadata = encodeRange(range, codec)
  const contentType = codec === 'plain' ? 'application/x-ndjson' : 'application/octet-stream'
  try {
    await parts.store.put(key, body, {mode: CREATE, metadata, contentType})
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    const there = await parts.store.head(key)
    if (there?.metadata['after'] === range.after && there.metadata['from'] === String(range.from)) return
    throw taken(key)
  }
}

function taken(key: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'ARCHIVE_CONFLICT',
    message: `${key} is there already and holds something else`,
    suggestions: ['Run the command again.', 'reprise doctor'],
  })
}
