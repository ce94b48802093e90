import type {ObjectStore} from '../object-store/object-store.js'
import type {LeasedTranscript} from '../store/leased-transcript.js'
import type {TranscriptRef} from '../store/names.js'
import {isMetadataPart, type ListedPart} from '../store/part.js'
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
 * otherwise they stay beside it, where readers of all kinds find each line once.
 *
 * @param listed its parts, as a listing under the lease showed them: most have nothing beside the chain, and cost no further look.
 * @returns whether such parts stay.
 */
export async function settleTranscript(
  context: SyncContext,
  transcript: LeasedTranscript,
  listed: readonly ListedPart[],
): Promise<boolean> {
  await transcript.settle({adopt: false})
  const bytes = listed.reduce((sum, part) => sum + (isMetadataPart(part) ? 0 : part.size), 0)
  if (bytes === transcript.end.length || !isBeside(await viewTranscript(context.parts, transcript.ref))) return false
  if (!(await mayDelete(context))) return true
  await transcript.settle()
  return false
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
