import {hasCode, RepriseError} from '../base/errors.js'
import type {Entry, EntryKind, Facts, Registry} from './registry.js'

/** A task or name as a person writes it: `kind` is undefined where they did not say which. */
export interface Target {
  readonly id: string
  readonly kind?: EntryKind | undefined
}

export interface LinkRequest extends Target {
  readonly sessionId: string
  /** Known of the session. */
  readonly facts: Facts
  /** Take it from a session that has nothing to do with this one. */
  readonly move: boolean
  /** Whether the session goes on from that other one: the chain grows then. */
  continues(other: string): Promise<boolean>
}

export interface LinkResult {
  readonly entry: Entry
  readonly action: 'created' | 'unchanged' | 'continued' | 'moved'
  /** The session that was current before, where it was another one. */
  readonly previous?: string
  /** A name of the same text is there: written alone, it is found no more. */
  readonly hidesName: boolean
}

/**
 * Links a task or name to a session. What is linked already keeps its chain, and takes a session that goes on from it;
 * any other only with `move`. Where neither a task nor a name is there, a task is made unless the request says `name`.
 *
 * A name is refused where a task has the same text: it would never be found by that text alone. A task is not refused for a
 * name, since programs do not choose their ids to suit people; whoever writes such a text is asked which is meant.
 *
 * @throws TASK_TAKEN, NAME_IS_TASK (exit 4); TARGET_AMBIGUOUS (exit 2).
 */
export async function linkSession(registry: Registry, request: LinkRequest): Promise<LinkResult> {
  const {id, sessionId, facts, move} = request
  const found = await lookUp(registry, id)
  const kind = request.kind ?? only(found, id) ?? 'task'
  if (kind === 'name' && found.task && !found.name) throw nameIsTask(id)
  const current = found[kind]
  const link = {...facts, kind, id, sessionId}
  const hidesName = kind === 'task' && found.name !== undefined
  if (current === undefined || current.sessionId === sessionId) {
    const entry = await registry.assign(link, {mode: 'create'})
    return {entry, action: current ? 'unchanged' : 'created', hidesName}
  }
  const previous = current.sessionId
  if (move) return {entry: await registry.assign(link, {mode: 'move'}), action: 'moved', previous, hidesName}
  const goesOn = current.earlier.includes(sessionId) || (await request.continues(previous))
  const entry = await registry.assign(link, goesOn ? {mode: 'append', after: previous} : {mode: 'create'})
  return {entry, action: 'continued', previous, hidesName}
}

/** @returns what was linked. @throws TASK_NOT_FOUND (exit 3), TARGET_AMBIGUOUS (exit 2). */
export async function unlinkTarget(registry: Registry, {id, kind}: Target): Promise<Entry> {
  const which = kind ?? only(await lookUp(registry, id), id)
  const entry = which && (await registry.unlink(which, id))
  if (entry) return entry
  throw new RepriseError({
    kind: 'not-found',
    code: 'TASK_NOT_FOUND',
    message: `There is no ${kind ?? 'task and no name'} ${JSON.stringify(id)}.`,
    suggestions: ['See what is linked: reprise ls'],
  })
}

type Found = {readonly [kind in EntryKind]: Entry | undefined}

async function lookUp(registry: Registry, id: string): Promise<Found> {
  const [task, name] = await Promise.all([
    registry.find('task', id),
    // A task's id may be a text that no name can be.
    registry.find('name', id).catch((error: unknown) => {
      if (!hasCode(error, 'TASK_ID_INVALID')) throw error
      return undefined
    }),
  ])
  return {task, name}
}

/** The kind that is there. @throws TARGET_AMBIGUOUS when both are. */
function only({task, name}: Found, id: string): EntryKind | undefined {
  if (!task || !name) return (task ?? name)?.kind
  throw new RepriseError({
    kind: 'usage',
    code: 'TARGET_AMBIGUOUS',
    message: `${JSON.stringify(id)} is a task (session ${task.sessionId}) and a name (session ${name.sessionId}).`,
    suggestions: ['Say which one: --task or --name'],
  })
}

function nameIsTask(id: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'NAME_IS_TASK',
    message: `There is a task ${JSON.stringify(id)}: a name of the same text would not be found.`,
    suggestions: ['Choose another name.'],
  })
}
