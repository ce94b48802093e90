import {RepriseError} from '../base/errors.js'
import {EMPTY_SHA256} from '../base/hash.js'
import {compareKeys} from '../object-store/key-order.js'
import {METADATA_DIGITS, type PartName, parsePartName} from './names.js'

/** The version of the part format that this code writes, and the highest that it reads. */
export const FORMAT_VERSION = 1

/** Bytes that an archived part has at most: a piece, or a line that is longer than one. It is unpacked as a whole. */
const MAX_ARCHIVED_BYTES = 256 * 1024 * 1024

/** How an object holds a part's bytes. Below a session's prefix they are as they are. */
export type Codec = 'plain' | 'gzip'

const MAX_MACHINE_BYTES = 128

/** What a part of ours says of itself, in its user metadata. Offsets are bytes of the transcript, digests hex SHA-256 of it up to there. */
export interface PartRange {
  readonly from: number
  readonly to: number
  readonly before: string
  readonly after: string
  readonly entries: number
  /** The writer's lease epoch; without a lease the epoch of the part it was written on. */
  readonly epoch: number
  /** Written by a lease holder. */
  readonly leased: boolean
  /** The epoch of the last rebase, else 0: parts of different generations never extend each other. */
  readonly gen: number
  readonly machine: string
}

/** An object that stands directly under a transcript's prefix, as a listing gives it. */
export interface ListedPart {
  readonly key: string
  /** The last segment of the key; what the protocol orders by. */
  readonly name: string
  readonly parsed?: PartName
  /** Of the part's bytes. */
  readonly size: number
  /** Of an archived part: how its object holds them. */
  readonly codec?: Codec
  readonly etag: string
  /** By the store's clock, ms since the epoch. */
  readonly modified: number
}

export interface RangedPart extends ListedPart {
  readonly range: PartRange
}

export function listedPart(key: string, size: number, etag: string, modified: number): ListedPart {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const parsed = parsePartName(name)
  return {key, name, ...(parsed && {parsed}), size, etag, modified}
}

export function isRanged(part: ListedPart): part is RangedPart {
  return 'range' in part
}

/** Key order among the parts of one transcript, whatever else stands there. */
export function compareNames(a: ListedPart, b: ListedPart): number {
  return compareKeys(a.name, b.name)
}

/** Looks like a part that holds one `agent_metadata` entry; its content decides. */
export function isMetadataPart(part: ListedPart): boolean {
  return part.parsed?.digits === METADATA_DIGITS
}

export function encodeRange(range: PartRange, codec: Codec = 'plain'): Record<string, string> {
  return {
    reprise: String(FORMAT_VERSION),
    from: String(range.from),
    to: String(range.to),
    before: range.before,
    after: range.after,
    entries: String(range.entries),
    epoch: String(range.epoch),
    leased: range.leased ? '1' : '0',
    gen: String(range.gen),
    codec,
    machine: encodeMachine(range.machine),
  }
}

/**
 * @returns undefined where the metadata is not ours, was lost, or contradicts the object: such a part is loose, its lines are
 *   delivered and its claims are not believed.
 * @throws FORMAT_TOO_NEW, CODEC_UNKNOWN: what it says is ours, but not for this version to read.
 */
export function decodeRange(part: ListedPart, metadata: Readonly<Record<string, string>>): PartRange | undefined {
  const found = readRange(part, metadata, ['plain'])
  return found?.range.to === undefined || found.range.to - found.range.from !== part.size ? undefined : found.range
}

/**
 * The part that an archived object holds.
 *
 * @param object as it is listed: its size is that of the compressed bytes.
 * @returns undefined where the metadata is not ours or was lost.
 * @throws FORMAT_TOO_NEW, CODEC_UNKNOWN; PART_DAMAGED for one of a size that nobody writes.
 */
export function decodeArchived(object: ListedPart, metadata: Readonly<Record<string, string>>): RangedPart | undefined {
  const found = readRange(object, metadata, ['plain', 'gzip'])
  if (!found) return undefined
  const size = found.range.to - found.range.from
  if (size > MAX_ARCHIVED_BYTES) throw tooBig(object, size)
  return {...object, size, codec: found.codec, range: found.range}
}

function readRange(
  part: ListedPart,
  metadata: Readonly<Record<string, string>>,
  codecs: readonly Codec[],
): {range: PartRange; codec: Codec} | undefined {
  const version = integer(metadata['reprise'])
  if (version === undefined || metadata['from'] === undefined) return undefined
  if (version > FORMAT_VERSION) throw tooNew(part, version)
  const codec = codecs.find((each) => each === metadata['codec'])
  if (codec === undefined) throw unknownCodec(part, metadata['codec'])
  const [from, to, epoch, gen] = [metadata['from'], metadata['to'], metadata['epoch'], metadata['gen']].map(integer)
  const [before, after] = [digest(metadata['before']), digest(metadata['after'])]
  const leased = metadata['leased']
  if (from === undefined || to === undefined || epoch === undefined || gen === undefined) return undefined
  if (before === undefined || after === undefined || (leased !== '0' && leased !== '1')) return undefined
  if (to < from || (from === 0 && before !== EMPTY_SHA256) || (from === to && before !== after)) return undefined
  const range = {
    from,
    to,
    before,
    after,
    entries: integer(metadata['entries']) ?? 0,
    epoch,
    leased: leased === '1',
    gen,
    machine: decodeMachine(metadata['machine']),
  }
  return {range, codec}
}

/** Whether two parts of one name are the same write: the answer to a create that met an object. */
export function sameWrite(a: PartRange, b: PartRange): boolean {
  return (
    a.from === b.from &&
    a.to === b.to &&
    a.after === b.after &&
    a.epoch === b.epoch &&
    a.leased === b.leased &&
    a.gen === b.gen
  )
}

function integer(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,15}$/.test(text)) return undefined
  return Number(text)
}

function digest(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text) ? text : undefined
}

function encodeMachine(machine: string): string {
  let encoded = ''
  for (const character of machine.toWellFormed()) {
    const next = encodeURIComponent(character)
    if (encoded.length + next.length > MAX_MACHINE_BYTES) break
    encoded += next
  }
  return encoded === '' ? '-' : encoded
}

function decodeMachine(text: string | undefined): string {
  if (text === undefined || text === '-') return ''
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function tooNew(part: ListedPart, version: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'FORMAT_TOO_NEW',
    message: `${part.key} has format version ${version}; this reprise reads up to ${FORMAT_VERSION}`,
    suggestions: ['Update reprise on this machine.'],
  })
}

function unknownCodec(part: ListedPart, codec: string | undefined): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'CODEC_UNKNOWN',
    message: `${part.key} is stored with the codec ${JSON.stringify(codec ?? '')}, which this reprise does not know`,
    suggestions: ['Update reprise on this machine.', 'reprise doctor'],
  })
}

function tooBig(part: ListedPart, size: number): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_DAMAGED',
    message: `${part.key} claims to unpack to ${size} bytes, and no archived part has more than ${MAX_ARCHIVED_BYTES}`,
    suggestions: ['reprise doctor', 'Restore that object from a version or a replica of the bucket.'],
  })
}
