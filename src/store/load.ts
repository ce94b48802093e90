import {createHash, type Hash} from 'node:crypto'
import {EMPTY_SHA256} from '../base/hash.js'
import type {Segment} from './interleave.js'
import {fetchAhead, type FetchOptions} from './fetch-ahead.js'
import {isMetadataPart, type ListedPart, type RangedPart} from './part.js'
import {againWhenMoved, type PartListing, type Parts} from './parts.js'
import {readDelivery} from './read-delivery.js'
import {checkSize, limited, listedSize} from './size-limit.js'
import {type TranscriptView, viewTranscript} from './view.js'
import type {TranscriptRef} from './names.js'

const NEWLINE = 0x0a

/** Where a transcript is loaded to. */
export interface LoadSink {
  /** Nothing of what was written before counts. Called first, and again when the load has to begin anew. */
  begin(): Promise<void> | void
  write(chunk: Uint8Array): Promise<void> | void
}

export interface LoadOptions extends FetchOptions {
  /** One that was made a moment ago, to save the first request. */
  readonly listing?: PartListing | undefined
  /** `agent_metadata` entries at their places, too: they are no lines of the transcript. Default false. */
  readonly withMetadata?: boolean
  /** Refuse a transcript of more bytes. Default: no limit. */
  readonly maxBytes?: number | undefined
}

export interface Loaded {
  readonly view: TranscriptView
  /** Of the path's bytes, to go on from. */
  readonly hash: Hash
}

/**
 * Loads a whole transcript as readers are given it: one request for the listing, one for each small part, the path verified while it
 * passes, in bounded memory. Parts that join up in key order are streamed as they come and judged at the end by what their own
 * answers said of them; where something stands beside the chain it is resolved first and loaded then.
 *
 * @throws PART_DAMAGED, TRANSCRIPT_BUSY, SESSION_TOO_LARGE and what `viewTranscript` and the sink throw.
 */
export async function loadTranscript(
  parts: Parts,
  ref: TranscriptRef,
  target: LoadSink,
  {listing, withMetadata = false, maxBytes, ...options}: LoadOptions = {},
): Promise<Loaded> {
  const {sessionId} = ref
  const sink = maxBytes === undefined ? target : limited(target, sessionId, maxBytes)
  let given = listing
  return againWhenMoved(async () => {
    const at = given ?? (await parts.list(ref))
    given = undefined
    checkSize(sessionId, listedSize(at), maxBytes)
    await sink.begin()
    const streamed = await streamStraight(parts, at, sink, withMetadata, options)
    const view = await viewTranscript(parts, ref, {listing: at})
    if (streamed && isWhole(streamed, view)) return {view, hash: streamed.hash}
    checkSize(sessionId, view.delivery.length, maxBytes)
    await sink.begin()
    return {view, hash: await writeDelivery(view, parts, sink, withMetadata, options)}
  })
}

interface Streamed {
  readonly length: number
  readonly digest: string
  readonly hash: Hash
}

/** @returns undefined when the listed parts are no chain in key order; what was written then does not count. */
async function streamStraight(
  parts: Parts,
  {parts: listed}: PartListing,
  sink: LoadSink,
  withMetadata: boolean,
  options: FetchOptions,
): Promise<Streamed | undefined> {
  const segments: Segment[] = listed
    .filter((part) => part.size > 0 && (withMetadata || !isMetadataPart(part)))
    .map((part) => ({part, start: 0, end: part.size, path: true}))
  const hash = createHash('sha256')
  const abort = new AbortController()
  let reached = {length: 0, digest: EMPTY_SHA256}
  try {
    for await (const {piece, chunks} of fetchAhead(segments, parts, abort.signal, options)) {
      const range = isMetadataPart(piece.part) ? undefined : await parts.range(piece.part)
      if (piece.start === 0 && !isMetadataPart(piece.part) && !joins(range, reached)) return undefined
      for (const chunk of chunks) {
        if (range) hash.update(chunk)
        await sink.write(chunk)
      }
      if (!range && chunks.at(-1)?.at(-1) !== NEWLINE) return undefined
      if (!range || piece.end < piece.part.size) continue
      const digest = hash.copy().digest('hex')
      if (digest !== range.after) return undefined
      reached = {length: range.to, digest}
    }
  } finally {
    abort.abort()
  }
  return {...reached, hash}
}

function joins(range: RangedPart['range'] | undefined, reached: {length: number; digest: string}): boolean {
  return range?.from === reached.length && range.before === reached.digest
}

/** The listed parts are the path and nothing else gives a line. */
function isWhole({length, digest}: Streamed, {resolution, delivery, parts}: TranscriptView): boolean {
  const isOn = (part: ListedPart | RangedPart): boolean =>
    isMetadataPart(part) || part.size === 0 || resolution.on.has(part.name)
  return (
    delivery.straight &&
    resolution.length === length &&
    (length === 0 || resolution.digest === digest) &&
    parts.every(isOn)
  )
}

async function writeDelivery(
  view: TranscriptView,
  parts: Parts,
  sink: LoadSink,
  withMetadata: boolean,
  options: FetchOptions,
): Promise<Hash> {
  let hash = createHash('sha256')
  const segments = withMetadata ? metadataAmong(view.delivery) : view.delivery.segments
  const given = {...view, delivery: {...view.delivery, segments}}
  for await (const chunk of readDelivery(given, parts, {...options, onVerified: (verified) => (hash = verified)})) {
    await sink.write(chunk)
  }
  return hash
}

/** Both are in key order; a metadata line may stand in one part with others. */
function metadataAmong({segments, metadata}: TranscriptView['delivery']): Segment[] {
  const merged: Segment[] = []
  const waiting = [...metadata]
  for (const segment of segments) {
    while (waiting[0] && isBefore(waiting[0], segment)) merged.push(...waiting.splice(0, 1))
    merged.push(segment)
  }
  return [...merged, ...waiting]
}

function isBefore(a: Segment, b: Segment): boolean {
  return a.part.name === b.part.name ? a.start < b.start : a.part.name < b.part.name
}
