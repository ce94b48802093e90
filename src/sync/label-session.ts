import {isDeepStrictEqual} from 'node:util'
import pMap from 'p-map'
import {toRepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import type {ObjectStore} from '../object-store/object-store.js'
import {readSummary, type SessionSummary, writeSummary} from '../store/summary-record.js'
import type {Entry, EntryKind} from './registry.js'
import type {LinkResult} from './task-link.js'

const AT_ONCE = 16

/** Where sessions have their summaries. */
export interface LabelContext {
  readonly store: ObjectStore
  readonly logger: Logger
}

/**
 * Listings show tasks and names by the summaries of sessions: brings those to what a link has changed. They are derived data: a failure
 * is logged and no more.
 */
export async function labelLinked(context: LabelContext, {entry, action, previous}: LinkResult): Promise<void> {
  const {kind, id, sessionId} = entry
  await relabel(context, sessionId, (summary) => ({...summary, [kind]: id}))
  if (action === 'moved' && previous !== undefined) await relabel(context, previous, without(kind, id))
}

/** The same for what was forgotten. */
export async function unlabel(context: LabelContext, {kind, id, sessionId, earlier}: Entry): Promise<void> {
  await pMap([sessionId, ...earlier], async (each) => relabel(context, each, without(kind, id)), {concurrency: AT_ONCE})
}

/** Another label of that kind stays. */
function without(kind: EntryKind, id: string): (summary: SessionSummary) => SessionSummary {
  return (summary) => {
    if (summary[kind] !== id) return summary
    const {[kind]: _gone, ...rest} = summary
    return rest
  }
}

async function relabel(
  {store, logger}: LabelContext,
  sessionId: string,
  change: (summary: SessionSummary) => SessionSummary,
): Promise<void> {
  const found = await readSummary(store, sessionId)
  if (!found) return
  const changed = change(found)
  if (isDeepStrictEqual(changed, found)) return
  await writeSummary(store, changed).catch((error: unknown) => {
    logger.warn('a summary was not written', {sessionId, code: toRepriseError(error).code})
  })
}
