import {promisify} from 'node:util'
import {createGunzip, gzip} from 'node:zlib'
import {RepriseError} from '../base/errors.js'
import {pipeline} from 'node:stream'
import type {Codec, ListedPart} from './part.js'

const compress = promisify(gzip)

export async function encoded(bytes: Uint8Array, codec: Codec): Promise<Uint8Array> {
  return codec === 'gzip' ? compress(bytes, {level: 6}) : bytes
}

/**
 * Bytes `[start, end)` of what an object holds for a part: never more than the part has, whatever the object unpacks to.
 *
 * @throws PART_DAMAGED when it unpacks to fewer bytes, to more, or not at all.
 */
export async function* decoded(
  part: ListedPart,
  body: AsyncIterable<Uint8Array>,
  start: number,
  end: number,
): AsyncIterable<Uint8Array> {
  let at = 0
  for await (const chunk of part.codec === 'gzip' ? unzipped(part, body) : body) {
    const from = at
    at += chunk.byteLength
    if (at > part.size) throw damaged(part, 'unpacks to more than it says')
    const [a, b] = [Math.max(start - from, 0), Math.min(end - from, chunk.byteLength)]
    if (a < b) yield chunk.subarray(a, b)
    if (at >= end && end < part.size) return
  }
  if (at < part.size) throw damaged(part, 'unpacks to less than it says')
}

async function* unzipped(part: ListedPart, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip()
  pipeline(bounded(part, body), gunzip, () => undefined)
  try {
    for await (const chunk of gunzip) yield chunk as Uint8Array
  } catch (error) {
    if (error instanceof RepriseError) throw error
    throw damaged(part, 'does not unpack', error)
  }
}

/** Packing adds next to nothing to what it cannot shrink: what goes on beyond that never ends in the part. */
async function* bounded(part: ListedPart, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let left = part.size * 1.01 + 64 * 1024
  for await (const chunk of body) {
    left -= chunk.byteLength
    if (left < 0) throw damaged(part, 'is longer than anything that it could hold')
    yield chunk
  }
}

function damaged({key}: ListedPart, what: string, cause?: unknown): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_DAMAGED',
    message: `${key} ${what}`,
    suggestions: ['reprise doctor', 'Restore that object from a version or a replica of the bucket.'],
    cause,
    details: {key},
  })
}

/** Packed bytes are no lines that anybody could be given. */
export function metadataLost({key}: ListedPart): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'PART_DAMAGED',
    message: `${key} has lost its metadata: what of the transcript it holds cannot be told`,
    suggestions: ['Copy the bucket again with its metadata.', 'reprise doctor'],
    details: {key},
  })
}
