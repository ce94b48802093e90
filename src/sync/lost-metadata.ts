import {createHash} from 'node:crypto'
import {chainDigits} from '../store/names.js'
import {isMetadataPart, type ListedPart} from '../store/part.js'
import type {Parts} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'

/** Parts that reprise wrote, as their names say, without what their metadata said. */
export interface LostMetadata {
  readonly parts: readonly ListedPart[]
  /** Digests of the transcript at their ends: what joins there is no gap. */
  readonly ends: ReadonlySet<string>
}

const NOTHING: LostMetadata = {parts: [], ends: new Set()}

/**
 * A copy of a bucket may lose all metadata, or that of a few objects. The digits of such a part's name still bind it to the transcript
 * up to its end: where they fit what stands before it in key order, it was one of ours. Reads up to the last part in question.
 *
 * @param most bytes to read; beyond that nothing is found out.
 */
export async function findLostMetadata(
  {listing, resolution}: TranscriptView,
  parts: Parts,
  most = Number.POSITIVE_INFINITY,
): Promise<LostMetadata> {
  const loose = new Set(resolution.loose.filter(({parsed}) => parsed).map(({name}) => name))
  const chain = listing.parts.filter((part) => !isMetadataPart(part))
  const until = chain.findLastIndex(({name}) => loose.has(name)) + 1
  if (chain.slice(0, until).reduce((sum, {size}) => sum + size, 0) > most) return NOTHING
  const hash = createHash('sha256')
  const found: ListedPart[] = []
  const ends = new Set<string>()
  let from = 0
  for (const part of chain.slice(0, until)) {
    for await (const chunk of parts.read(part, 0, part.size)) hash.update(chunk)
    if (loose.has(part.name)) {
      const digest = hash.copy().digest('hex')
      if (part.parsed?.digits === chainDigits(digest, from)) {
        found.push(part)
        ends.add(digest)
      } else if (from === 0 && loose.size === chain.length) return NOTHING
    }
    from += part.size
  }
  return {parts: found, ends}
}
