import {hasCode, RepriseError} from '../base/errors.js'
import type {StoreUrl} from '../object-store/store-url.js'
import {type LocalSelection, selectLocal} from '../sync/select-local.js'
import {notFound, resolveSession} from '../sync/select-sessions.js'
import {selectStored} from '../sync/select-stored.js'
import type {LocalSession} from '../transcript/discover.js'
import {isSessionId} from '../transcript/session-id.js'
import {isTaskOpen, listTasks, openPrefixed, placeholderOpen} from './open-prefixed.js'
import {openRegistry} from './open-registry.js'
import type {Runtime} from './runtime.js'
import {openSync, type OpenSyncOptions, type SyncRun} from './sync-context.js'

/** One part of the store, and what of that which was named lies in it. */
export interface TaskRun {
  readonly run: SyncRun
  readonly named: readonly string[]
}

export interface OpenTasksOptions extends OpenSyncOptions {
  /** Where nothing is named, every task's part is meant: for commands that write nothing to the store. */
  readonly everyTask?: boolean | undefined
}

/**
 * The parts of the run's store that a command works with: one, or, where the store's URL leaves `{task}` open, one for each task that the
 * named sessions lie with.
 *
 * @throws PLACEHOLDER_OPEN where the task cannot be told, SESSION_NOT_FOUND, SESSION_AMBIGUOUS
 */
export async function openTasks(
  runtime: Runtime,
  named: readonly string[],
  {everyTask, ...options}: OpenTasksOptions = {},
): Promise<readonly TaskRun[]> {
  const [url] = await runtime.storeUrls()
  if (!url || options.task !== undefined || !(await isTaskOpen(runtime, url))) {
    return [{run: await openSync(runtime, options), named}]
  }
  const byTask = new Map<string, string[]>()
  for (const text of named) {
    const task = await taskOf(runtime, url, text)
    byTask.set(task, [...(byTask.get(task) ?? []), text])
  }
  if (named.length === 0 && everyTask) for (const task of await tasksOf(runtime, url)) byTask.set(task, [])
  if (byTask.size === 0) throw placeholderOpen('task', url)
  const runs: TaskRun[] = []
  for (const [task, texts] of byTask) runs.push({run: await openSync(runtime, {...options, task}), named: texts})
  return runs
}

/** The sessions of this machine that are meant, each with the part of the store that it is held against. */
export async function selectByTask(
  runs: readonly TaskRun[],
  selection: Omit<LocalSelection, 'named' | 'projectKey'>,
): Promise<readonly {readonly run: SyncRun; readonly sessions: readonly LocalSession[]}[]> {
  const selected = await Promise.all(
    runs.map(async ({run, named}) => {
      const {context, registry, projectKey} = run
      return {run, named, sessions: await selectLocal(context, registry, {...selection, named, projectKey})}
    }),
  )
  if (runs.length < 2 || selected.some(({named}) => named.length > 0)) return selected
  // The same sessions in each: every one is held against the part that it lies in, or, where it is in none, against any.
  const [first, ...others] = selected
  if (!first) return []
  let left = first.sessions
  const held = []
  for (const {run} of others) {
    const there = await idsIn(run)
    held.push({run, sessions: left.filter(({sessionId}) => there.has(sessionId))})
    left = left.filter(({sessionId}) => !there.has(sessionId))
  }
  return [{run: first.run, sessions: left}, ...held]
}

async function idsIn({context, registry, projectKey}: SyncRun): Promise<ReadonlySet<string>> {
  const stored = await selectStored(context, registry, [], {named: [], projectKey, all: true})
  return new Set(stored.map(({sessionId}) => sessionId))
}

/** The task that a session lies with which is to be gone on in, where the store's URL leaves that open. */
export async function openTaskOf(runtime: Runtime, text: string | undefined): Promise<string | undefined> {
  const [url] = await runtime.storeUrls()
  if (!url || text === undefined || !(await isTaskOpen(runtime, url))) return undefined
  return taskOf(runtime, url, text)
}

/** An exact task first: who may see its own alone needs nothing else. */
async function taskOf(runtime: Runtime, url: StoreUrl, text: string): Promise<string> {
  if (text !== '' && (await isTask(runtime, url, text))) return text
  const found: string[] = []
  for (const task of await tasksOf(runtime, url)) if (await holds(runtime, url, task, text)) found.push(task)
  const [only, ...more] = found
  if (only === undefined) throw notFound(text)
  if (more.length > 0) throw ambiguous(text, found)
  return only
}

async function isTask(runtime: Runtime, url: StoreUrl, text: string): Promise<boolean> {
  const {store} = await openPrefixed(runtime, url, text)
  const {registry} = await openRegistry(runtime, store, {dryRun: true})
  try {
    return (await registry.find('task', text)) !== undefined
  } catch (error) {
    if (!isSessionId(text) || !hasCode(error, 'ACCESS_DENIED')) throw error
    runtime.logger.debug('a session id may not be looked up as a task, and is taken for no task', {sessionId: text})
    return false
  }
}

async function tasksOf(runtime: Runtime, url: StoreUrl): Promise<readonly string[]> {
  try {
    return await listTasks(runtime, url)
  } catch (error) {
    if (hasCode(error, 'ACCESS_DENIED')) throw placeholderOpen('task', url)
    throw error
  }
}

/** Whether the session that a text names there has parts there: a name in a table leads to it from everywhere. */
async function holds(runtime: Runtime, url: StoreUrl, task: string, text: string): Promise<boolean> {
  const {
    context: {store, homes, logger},
    registry,
    projectKey,
  } = await openSync(runtime, {task, dryRun: true})
  try {
    const sources = {registry, localIds: async () => [], stored: {store, homes}, logger}
    return (await homes.find(await resolveSession(text, sources), projectKey)) !== undefined
  } catch (error) {
    if (hasCode(error, 'SESSION_NOT_FOUND')) return false
    throw error
  }
}

function ambiguous(text: string, tasks: readonly string[]): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'SESSION_AMBIGUOUS',
    message: `${JSON.stringify(text)} is a session of ${tasks.length} tasks: ${tasks.slice(0, 10).join(', ')}`,
    suggestions: ['Name the task instead, or write it in place of {task}.'],
    details: {candidates: tasks},
  })
}
