import {isDeepStrictEqual} from 'node:util'
import pMap from 'p-map'
import {toRepriseError} from '../base/errors.js'
import type {Entry, EntryKind} from '../registry/registry.js'
import type {LinkResult} from '../registry/task-link.js'
import {readSummary, writeSummary} from '../store/summary-record.js'
import type {SyncContext} from './context.js'

const AT_ONCE = 16

type LabelContext = Pick<SyncContext, 'store' | 'state' | 'logger'>
type Labels = Partial<Record<EntryKind, string>>

/**
 * Listings show tasks and names by the summaries of sessions: brings those to what a link has changed, and what this machine will say
 * with its next push. They are derived data: a failure is logged and no more.
 */
export async function labelLinked(context: LabelContext, {entry, action, previous}: LinkResult): Promise<void> {
  const {kind, id, sessionId} = entry
  await relabel(context, sessionId, (labels) => ({...labels, [kind]: id}))
  if (action === 'moved' && previous !== undefined) await relabel(context, previous, without(kind, id))
}

/** The same for what was forgotten. */
export async function unlabel(context: LabelContext, {kind, id, sessionId, earlier}: Entry): Promise<void> {
  await pMap([sessionId, ...earlier], async (each) => relabel(context, each, without(kind, id)), {concurrency: AT_ONCE})
}

/** Another label of that kind stays. */
function without(kind: EntryKind, id: string): (labels: Labels) => Labels {
  return (labels) => {
    if (labels[kind] !== id) return labels
    const {[kind]: _gone, ...rest} = labels
    return rest
  }
}

async function relabel(
  {store, state, logger}: LabelContext,
  sessionId: string,
  change: (labels: Labels) => Labels,
): Promise<void> {
  try {
    const [summary, known] = await Promise.all([readSummary(store, sessionId), state.read(sessionId)])
    if (summary) {
      const {task, name, ...rest} = summary
      const changed = {...rest, ...change(given({task, name}))}
      if (!isDeepStrictEqual(changed, summary)) await writeSummary(store, changed)
    }
    // What no push has said here is for the summary to say, where there is one.
    const told = given(known.labels ?? {})
    const labels = summary && known.labels === undefined ? told : change(told)
    if (!isDeepStrictEqual(labels, told)) await state.write(sessionId, {...known, labels})
  } catch (error) {
    logger.warn('a session was not labelled', {sessionId, code: toRepriseError(error).code})
  }
}

function given({task, name}: {readonly task?: string | undefined; readonly name?: string | undefined}): Labels {
  return {...(task !== undefined && {task}), ...(name !== undefined && {name})}
}
