import {gzipSync} from 'node:zlib'
import {PIECE_BYTES} from '../store/archive.js'
import {deliveredBytes} from '../store/bytes.js'
import {isMetadataPart} from '../store/part.js'
import type {Parts} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import {NO_REQUESTS} from './compact-cost.js'
import type {CompactionTally} from './compact-tally.js'

/** What is packed on trial, to tell how small the rest gets. */
const SAMPLE_BYTES = 128 * 1024
/** To take the lease, to see that it is still held, and to give it back; the summary, the empty part, two deletes. */
const BESIDES = {...NO_REQUESTS, list: 4, get: 2, put: 5, delete: 2}

/** Tells what archiving a transcript would take. How small it gets is estimated from its beginning. */
export async function planArchive(
  parts: Parts,
  {delivery, listing, resolution}: TranscriptView,
  tally: CompactionTally,
): Promise<void> {
  const {length} = delivery
  const sample: Uint8Array[] = []
  for await (const chunk of deliveredBytes(delivery, parts).read(0, Math.min(length, SAMPLE_BYTES))) sample.push(chunk)
  const looked = Buffer.concat(sample)
  const packed = looked.byteLength === 0 ? 0 : Math.ceil((gzipSync(looked).byteLength * length) / looked.byteLength)
  const chain = listing.parts.filter((part) => !isMetadataPart(part))
  const pieces = Math.ceil(length / PIECE_BYTES)
  // What stands beside the chain is brought into it first: all is read for its digests, and the end is written again.
  const isBeside = resolution.loose.length + resolution.forks.length > 0
  const [read, written, get] = isBeside
    ? [2 * length, length + packed, 2 * chain.length]
    : [length, packed, chain.length]
  const requests = {...BESIDES, get: BESIDES.get + get, put: BESIDES.put + pieces + (isBeside ? 4 : 0)}
  tally.wouldPack(read - looked.byteLength, written, requests)
  tally.counts(listing.parts.length, listing.parts.length - chain.length + 1)
  tally.deleted += chain.length
  tally.action = 'archived'
}
