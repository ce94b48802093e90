import {createHash} from 'node:crypto'
import {deliveredBytes, measure, type TranscriptBytes} from '../store/bytes.js'
import type {Parts} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import type {StoredSide} from './compare.js'

/** A view as something to compare with. Digests come from metadata where readers are given the path alone. */
export async function storedSide({resolution, delivery}: TranscriptView, parts: Parts): Promise<StoredSide> {
  const bytes = deliveredBytes(delivery, parts)
  if (delivery.straight) {
    return {bytes, digest: resolution.digest, digestAt: (offset) => resolution.digests.at(resolution.path, offset)}
  }
  return {
    bytes,
    digest: await digestOf(bytes),
    digestAt: async (offset) => (await measure(bytes, [offset])).get(offset)?.digest ?? '',
  }
}

async function digestOf(bytes: TranscriptBytes): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes.read(0, bytes.length)) hash.update(chunk)
  return hash.digest('hex')
}
