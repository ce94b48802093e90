import {hasCode, RepriseError} from '../base/errors.js'
import {CREATE, type ObjectBody} from '../object-store/object-store.js'
import {type Codec, encodeRange, type PartRange} from './part.js'
import type {Parts} from './parts.js'

const MAX_TRIES = 5

/**
 * Creates a part on its way into the archive or out of it, under a name that may be there from an earlier try.
 *
 * @returns the store's clock when it was there.
 * @throws ARCHIVE_CONFLICT when that name has other bytes.
 */
export async function createPiece(
  {store}: Parts,
  key: string,
  body: ObjectBody,
  range: PartRange,
  codec: Codec,
): Promise<number> {
  const metadata = encodeRange(range, codec)
  const contentType = codec === 'plain' ? 'application/x-ndjson' : 'application/octet-stream'
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      return (await store.put(key, body, {mode: CREATE, metadata, contentType})).date
    } catch (error) {
      if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    }
    const there = await store.head(key)
    // It was there, and went: another has moved the session on.
    if (!there) continue
    if (there.metadata['after'] === range.after && there.metadata['from'] === String(range.from)) return there.date
    break
  }
  throw taken(key)
}

function taken(key: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'ARCHIVE_CONFLICT',
    message: `${key} is there already and holds something else`,
    suggestions: ['Run the command again.', 'reprise doctor'],
  })
}
