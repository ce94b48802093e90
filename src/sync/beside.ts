import type {TranscriptRef} from '../store/names.js'
import {mayDelete} from '../store/probe.js'
import {isBeside} from '../store/settle-transcript.js'
import {viewTranscript} from '../store/view.js'
import {compareTranscripts} from './compare.js'
import type {SyncContext} from './context.js'
import type {LocalTranscript} from './local-transcript.js'
import {storedSide} from './stored-side.js'

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
  if (!isBeside(view) || (await mayDelete(context.store, context.machine))) return undefined
  const side = await storedSide(view, context.parts)
  const {kind} = await compareTranscripts(local, side, [])
  if (kind === 'local-extends') return side.bytes.length
  const isStored = kind === 'equal' || kind === 'same-entries' || kind === 'stored-extends' || kind === 'stored-more'
  return isStored ? local.length : undefined
}
