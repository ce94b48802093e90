import type {PartListing} from '../store/parts.js'
import type {LocalFile} from '../transcript/local-file.js'
import {fingerprint} from './plan-push.js'
import type {TranscriptState} from './sync-state.js'

/**
 * Found equal and assured before, and neither the file, the parts nor the lease record has changed since.
 *
 * @param lease etag of the session's lease record now; undefined when there is none.
 */
export function isSeen(
  {seen}: TranscriptState,
  {parts}: Pick<PartListing, 'parts'>,
  file: LocalFile,
  lease: string | undefined,
): boolean {
  if (!seen || (lease !== undefined && lease !== seen.lease)) return false
  const sameFile = seen.size === file.size && seen.mtimeMs === file.mtimeMs && seen.ino === file.ino
  return sameFile && seen.dev === file.dev && seen.listing === fingerprint(parts)
}
