import {storeError} from '../errors.js'
import {bodySize, type ObjectBody, openBody} from '../object-store.js'

/**
 * A body in memory.
 *
 * @throws CHECKSUM_MISMATCH when it gives more or fewer bytes than it said.
 */
export async function gather(key: string, body: ObjectBody, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const size = bodySize(body)
  const bytes = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for await (const chunk of openBody(body)) {
    signal?.throwIfAborted()
    if (filled + chunk.byteLength <= size) bytes.set(chunk, filled)
    filled += chunk.byteLength
  }
  if (filled === size) return bytes
  throw storeError('CHECKSUM_MISMATCH', `The body for '${key}' gave ${filled} bytes, not ${size}.`)
}
