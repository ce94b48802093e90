import type {Clock, Random} from '../base/clock.js'
import {hasCode, RepriseError} from '../base/errors.js'
import {CREATE, type ObjectBody, bodySize} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import {
  chainDigits,
  formatPartName,
  METADATA_DIGITS,
  type PartName,
  type TranscriptRef,
  transcriptPrefix,
} from './names.js'
import {
  decodeRange,
  encodeRange,
  type ListedPart,
  listedPart,
  type PartRange,
  type RangedPart,
  sameWrite,
} from './part.js'
import type {PartListing, Parts} from './parts.js'

const CONTENT_TYPE = 'application/x-ndjson'
const DAY_MS = 24 * 3600 * 1000
const YEAR_MS = 365 * DAY_MS
const MAX_NAME_TRIES = 1000

/** What every writer of parts needs. */
export interface WriteContext {
  readonly parts: Parts
  readonly clock: Clock
  readonly random: Random
  /** This machine's name, for people who look at the store. */
  readonly machine: string
}

/** Whole lines of a transcript, `[from, to)`, with the digests of the transcript up to both. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly before: string
  readonly after: string
  readonly entries: number
  readonly body: ObjectBody
}

/** By what right a part is written. */
export type Stamp = Pick<PartRange, 'epoch' | 'leased' | 'gen'>

export interface WrittenPart {
  readonly part: RangedPart
  /** The store's clock when it answered. */
  readonly date: number
}

/**
 * The time in the name of the last part that this writer has seen, whoever wrote it: the next one sorts after it.
 *
 * @throws PART_FROM_FUTURE when it lies more than a year ahead of the store's clock: nothing could be appended in order.
 */
export function lastMs({parts, date}: PartListing): number {
  let last: ListedPart | undefined
  for (const part of parts) if (part.parsed && part.parsed.ms > (last?.parsed?.ms ?? 0)) last = part
  const ms = last?.parsed?.ms ?? 0
  if (last && ms > date + YEAR_MS) throw fromFuture(last)
  return ms
}

/**
 * The time in the name of the next part: now, and after the last one.
 *
 * @param storeDate the store's clock when the parts were listed; 0: not known. A machine whose clock is far ahead of it names its
 *   parts a day ahead and no more: nobody else could go on in the session else (PART_FROM_FUTURE).
 */
export function nextMs(clock: Clock, last: number, storeDate = 0): number {
  const now = clock.now()
  const held = storeDate > 0 ? Math.min(now, storeDate + DAY_MS) : now
  return Math.max(held, last + 1)
}

/**
 * Appends a part to a transcript: created, never replaced. A name that is taken by the same write (an earlier try that landed)
 * is success; by another, the next millisecond is tried.
 */
export async function writeRange(
  context: WriteContext,
  ref: TranscriptRef,
  run: Run,
  stamp: Stamp,
  last: number,
  storeDate?: number,
): Promise<WrittenPart> {
  let ms = nextMs(context.clock, last, storeDate)
  for (let tries = 0; tries < MAX_NAME_TRIES; tries++, ms++) {
    const written = await writeRangeAt(context, ref, run, stamp, ms)
    if (written) return written
  }
  throw noFreeName(ref)
}

/** @returns undefined when that name is taken by another write. */
export async function writeRangeAt(
  {parts, machine}: WriteContext,
  ref: TranscriptRef,
  run: Run,
  stamp: Stamp,
  ms: number,
): Promise<WrittenPart | undefined> {
  const range: PartRange = {
    from: run.from,
    to: run.to,
    before: run.before,
    after: run.after,
    entries: run.entries,
    ...stamp,
    machine,
  }
  const key = transcriptPrefix(ref) + rangeName(ms, run)
  const metadata = encodeRange(range)
  try {
    const {etag, date} = await parts.store.put(key, run.body, {mode: CREATE, metadata, contentType: CONTENT_TYPE})
    const part = listedPart(key, bodySize(run.body), etag, date)
    parts.remember(part, metadata)
    return {part: {...part, range}, date}
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    const there = await parts.store.head(key)
    if (!there) return undefined
    const part = listedPart(key, there.size, there.etag, there.modified)
    const found = decodeRange(part, there.metadata)
    return found && sameWrite(found, range) ? {part: {...part, range: found}, date: there.date} : undefined
  }
}

export function rangeName(ms: number, {from, after}: Pick<Run, 'from' | 'after'>): string {
  return formatPartName({ms, digits: chainDigits(after, from)})
}

/** Whole lines of someone who holds no lease, where parts beside the path stand: delivered where its key sorts. */
export async function writeLoose(
  context: WriteContext,
  ref: TranscriptRef,
  body: Uint8Array,
  last: number,
  storeDate?: number,
): Promise<FreePart> {
  return writeFree(context, ref, body, nextMs(context.clock, last, storeDate), () => looseDigits(context.random))
}

/** One `agent_metadata` entry, outside the chain. */
export async function writeMetadata(
  context: WriteContext,
  ref: TranscriptRef,
  line: Uint8Array,
  last: number,
  storeDate?: number,
): Promise<FreePart> {
  return writeMetadataFrom(context, ref, line, nextMs(context.clock, last, storeDate))
}

/** The same at a time of the caller's, or as soon after it as a name is free. Idempotent. */
export async function writeMetadataFrom(
  context: WriteContext,
  ref: TranscriptRef,
  line: Uint8Array,
  ms: number,
): Promise<FreePart> {
  return writeFree(context, ref, line, ms, () => METADATA_DIGITS)
}

/** A part without a range. */
export interface FreePart {
  readonly key: string
  readonly ms: number
  /** The store's clock when it answered. */
  readonly date: number
}

async function writeFree(
  context: WriteContext,
  ref: TranscriptRef,
  body: Uint8Array,
  first: number,
  digits: () => string,
): Promise<FreePart> {
  let ms = first
  for (let tries = 0; tries < MAX_NAME_TRIES; tries++, ms++) {
    const written = await writeFreeAt(context, ref, body, {ms, digits: digits()})
    if (written) return written
  }
  throw noFreeName(ref)
}

/**
 * A part without a range under a name of the caller's, so that a try of which nobody knows whether it landed is made again without
 * a second copy: the same bytes under that name are success.
 *
 * @returns undefined when that name is taken by other bytes.
 */
export async function writeFreeAt(
  {parts: {store}}: Pick<WriteContext, 'parts'>,
  ref: TranscriptRef,
  body: Uint8Array,
  name: PartName,
): Promise<FreePart | undefined> {
  const key = transcriptPrefix(ref) + formatPartName(name)
  try {
    const {date} = await store.put(key, body, {mode: CREATE, contentType: CONTENT_TYPE})
    return {key, ms: name.ms, date}
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    const there = await readObject(store, key, {limit: body.byteLength + 1}).catch(() => undefined)
    return there && Buffer.compare(there.bytes, body) === 0 ? {key, ms: name.ms, date: there.date} : undefined
  }
}

/** Digits that say nothing, as other writers of this layout give them. */
export function looseDigits(random: Random): string {
  for (;;) {
    const digits = Buffer.from(random.bytes(3)).toString('hex')
    if (digits !== METADATA_DIGITS) return digits
  }
}

function fromFuture(part: ListedPart): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_FROM_FUTURE',
    message: `${part.key} is named more than a year ahead of the store's clock: nothing can be appended behind it`,
    suggestions: ['reprise doctor'],
  })
}

function noFreeName(ref: TranscriptRef): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'NO_FREE_PART_NAME',
    message: `${transcriptPrefix(ref)}: ${MAX_NAME_TRIES} part names in a row are taken`,
    suggestions: ['reprise doctor'],
  })
}
