import {createHash, type Hash} from 'node:crypto'
import {hasCode} from '../base/errors.js'
import {damagedPart} from './chain.js'
import {createPiece} from './create-piece.js'
import {transcriptPrefix} from './names.js'
import type {RangedPart} from './part.js'
import type {Parts} from './parts.js'
import type {TranscriptView} from './view.js'
import type {WriteContext} from './write-part.js'

/**
 * Puts back what is archived: copies under the session's prefix first, then the archived objects go. Needs no lease, since nothing
 * that readers are given changes; several at once meet in objects that are there already.
 *
 * @throws PART_DAMAGED: an archived object is not what its digest says; all of them stay.
 */
export async function restoreArchive({parts}: Pick<WriteContext, 'parts'>, view: TranscriptView): Promise<void> {
  let reached = {to: 0, hash: createHash('sha256')}
  for (const part of view.archived.toSorted((a, b) => a.range.from - b.range.from)) {
    const key = transcriptPrefix(view.ref) + part.name
    if (part.range.from === reached.to) {
      const {body, hash} = verified(parts, part, reached.hash)
      await createPiece(parts, key, body, part.range, 'plain')
      reached = {to: part.range.to, hash: await hash()}
    } else {
      // Of a try that died: what it would follow on is not here.
      const body = {size: part.size, open: () => parts.read(part, 0, part.size)}
      await createPiece(parts, key, body, part.range, 'plain')
    }
  }
  // Who may not delete leaves them: what is listed under the same name counts once, and the next archiving clears them away.
  await parts.store.delete(view.archived.map(({key}) => key)).catch((error: unknown) => {
    if (!hasCode(error, 'ACCESS_DENIED')) throw error
  })
}

/**
 * A piece that is never sent to its end when it is not what its digest says.
 *
 * @param before the hash of the transcript up to it.
 */
function verified(parts: Parts, part: RangedPart, before: Hash) {
  let end: Hash | undefined
  async function* open(): AsyncIterable<Uint8Array> {
    const hash = before.copy()
    let last: Uint8Array | undefined
    for await (const chunk of parts.read(part, 0, part.size)) {
      if (last) yield last
      hash.update(chunk)
      last = chunk
    }
    if (hash.copy().digest('hex') !== part.range.after) throw damagedPart(part)
    end = hash
    if (last) yield last
  }
  return {
    body: {size: part.size, open},
    /** Up to the end of the piece: read once more where it was there already. */
    hash: async (): Promise<Hash> => {
      if (!end) for await (const _ of open());
      if (!end) throw new Error('a piece that was read has a hash')
      return end
    },
  }
}
