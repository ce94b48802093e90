import type {ObjectStore} from '../object-store/object-store.js'
import type {LeasedTranscript} from '../store/leased-transcript.js'
import type {TranscriptRef} from '../store/names.js'
import type {PartListing} from '../store/parts.js'
import {probeDelete} from '../store/probe.js'
import {type TranscriptView, viewTranscript} from '../store/view.js'
import {compareTranscripts} from './compare.js'
import type {SyncContext} from './context.js'
import type {LocalTranscript} from './local-transcript.js'
import {storedSide} from './stored-side.js'

const ASKED = new WeakMap<ObjectStore, Promise<boolean>>()

/** Whether this identity may delete in the store; asked once. Whoever may not leaves merging and adopting to one who may. */
export async function mayDelete({store, machine}: Pick<SyncContext, 'store' | 'machine'>): Promise<boolean> {
  const asked = ASKED.get(store) ?? probeDelete(store, machine)
  ASKED.set(store, asked)
  try {
    return await asked
  } catch (error) {
    ASKED.delete(store)
    throw error
  }
}

/**
 * Settles a transcript under the lease. Loose and forked parts are brought into the chain where they can be deleted after;
 * otherwise they stay beside it, where readers of all kinds find each line once. Before anything else is written: a barrier would
 * cut off what a copy of the bucket left without its predecessor.
 *
 * @param listing one that was made a moment ago, to save a request.
 * @returns whether such parts stay.
 */
export async function settleTranscript(
  context: SyncContext,
  transcript: LeasedTranscript,
  listing: PartListing,
): Promise<boolean> {
  const beside = isBeside(await viewTranscript(context.parts, transcript.ref, {listing}))
  const adopt = beside && (await mayDelete(context))
  await transcript.settle({adopt})
  return beside && !adopt
}

/**
 * Where a local file goes on behind all that is delivered of a transcript, when parts stand beside its chain that this identity may
 * not clear away: what follows is appended as a loose part then, as without a lease.
 *
 * @returns an offset, at most the file's length; undefined where the chain can be brought to the file, or has to be.
 */
export async function pointBeside(
  context: SyncContext,
  ref: TranscriptRef,
  local: LocalTranscript,
): Promise<number | undefined> {
  const view = await viewTranscript(context.parts, ref)
  if (!isBeside(view) || (await mayDelete(context))) return undefined
  const side = await storedSide(view, context.parts)
  const {kind} = await compareTranscripts(local, side, [])
  if (kind === 'local-extends') return side.bytes.length
  const isStored = kind === 'equal' || kind === 'same-entries' || kind === 'stored-extends' || kind === 'stored-more'
  return isStored ? local.length : undefined
}

/** Whether parts stand beside the chain: loose, or forks of it. */
export function isBeside({delivery, resolution}: TranscriptView): boolean {
  return !delivery.straight || resolution.forks.length > 0 || resolution.loose.length > 0
}
