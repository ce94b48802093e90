import type {LeasedTranscript} from './leased-transcript.js'
import type {PartListing} from './parts.js'
import {mayDelete} from './probe.js'
import {type TranscriptView, viewTranscript} from './view.js'
import type {WriteContext} from './write-part.js'

/**
 * Settles a transcript under the lease. Loose and forked parts are brought into the chain where they can be deleted after;
 * otherwise they stay beside it, where readers of all kinds find each line once. Before anything else is written: a barrier would
 * cut off what a copy of the bucket left without its predecessor.
 *
 * @param listing one that was made a moment ago, to save a request.
 * @returns whether such parts stay.
 */
export async function settleTranscript(
  {parts, machine}: Pick<WriteContext, 'parts' | 'machine'>,
  transcript: LeasedTranscript,
  listing?: PartListing,
): Promise<boolean> {
  const beside = isBeside(await viewTranscript(parts, transcript.ref, listing ? {listing} : {}))
  const adopt = beside && (await mayDelete(parts.store, machine))
  await transcript.settle({adopt})
  return beside && !adopt
}

/** Whether parts stand beside the chain: loose, or forks of it. */
export function isBeside({delivery, resolution}: TranscriptView): boolean {
  return !delivery.straight || resolution.forks.length > 0 || resolution.loose.length > 0
}
