import type {Measure} from './bytes.js'
import {chainDigits} from './names.js'
import {isMetadataPart, type ListedPart} from './part.js'

/** Where the parts of a transcript end if they follow one another in key order from byte 0: what a local file is measured at. */
export function listedEnds(parts: readonly ListedPart[]): number[] {
  let end = 0
  return parts.filter((part) => !isMetadataPart(part)).map((part) => (end += part.size))
}

/**
 * How much of a local transcript is stored, from one listing and nothing else: each part's digits bind it to the transcript up to
 * its end, so parts that all match the local file at their places are its first bytes.
 *
 * @param measured the local file at `listedEnds`, as far as it reaches.
 * @returns undefined when some part does not match: metadata and content must decide.
 */
export function listedPrefix(
  parts: readonly ListedPart[],
  measured: ReadonlyMap<number, Pick<Measure, 'digest'>>,
): number | undefined {
  let end = 0
  for (const part of parts) {
    if (isMetadataPart(part)) continue
    const from = end
    end += part.size
    const local = measured.get(end)
    if (!local || part.parsed?.digits !== chainDigits(local.digest, from)) return undefined
  }
  return end
}
