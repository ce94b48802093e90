import pMap from 'p-map'
import {hasCode, RepriseError, toRepriseError} from '../base/errors.js'
import type {Progress} from '../base/progress.js'
import {GlancingLeaseTable} from '../registry/glancing-lease-table.js'
import type {Registry} from '../registry/registry.js'
import {addToIndex, type IndexedSummary} from '../store/summary-index.js'
import type {LocalSession} from '../transcript/discover.js'
import {CompactionsBehind} from './compact-behind.js'
import {leaseTable, type SyncContext} from './context.js'
import {forkOnce} from './fork-session.js'
import {lookAtSessions} from './look-at-sessions.js'
import {type PushAction, pushSession, type PushedSession, type PushOptions, type SessionLook} from './push-session.js'
import {countActions, countSessions, failureOf, type SessionFailure} from './report.js'

/** Fewer than this are listed one by one: a listing of all lease records may be longer than that. */
const MANY = 4
/** Fewer summaries are read one by one. */
const WORTH_AN_INDEX = 16

export interface PushManyOptions extends Omit<PushOptions, 'look' | 'behind' | 'summarized'> {
  /** A session that may not be written goes on under a new id. */
  readonly fork?: boolean | undefined
  /** Sessions at once. */
  readonly concurrency: number
  readonly progress: Progress
  /** Where `task` and `name` are put on record. */
  readonly registry: Registry
  readonly signal?: AbortSignal
}

export interface PushOutcome extends PushedSession {
  /** The session that a fork goes on as. */
  readonly newSessionId?: string
  readonly error?: SessionFailure
}

export interface PushReport {
  readonly sessions: readonly PushOutcome[]
  readonly totals: {
    readonly sessions: number
    readonly actions: Partial<Record<PushAction, number>>
    readonly bytesUploaded: number
    readonly partsCreated: number
    readonly entries: number
  }
}

/** Pushes sessions beside each other. One that fails is told in the report and does not stop the others. */
export async function pushMany(
  context: SyncContext,
  sessions: readonly LocalSession[],
  options: PushManyOptions,
): Promise<PushReport> {
  const {task, name} = options
  if ((task ?? name) !== undefined && sessions.length !== 1) throw oneSessionNeeded(sessions.length)
  const isMany = sessions.length >= MANY
  const own = isMany ? {...context, leases: new GlancingLeaseTable(leaseTable(context), context.clock)} : context
  const looks = isMany ? await lookAtSessions(own, sessions) : undefined
  using behind = new CompactionsBehind(context)
  const step = options.progress.task(`Pushing ${countSessions(sessions.length)} to ${context.store.url}`)
  let done = 0
  const written: IndexedSummary[] = []
  const summarized = (entry: IndexedSummary): void => void written.push(entry)
  const outcomes = await pMap(
    copiesTogether(sessions),
    async (copies) => {
      const results: PushOutcome[] = []
      for (const session of copies) {
        options.signal?.throwIfAborted()
        results.push(await pushOne(own, session, looks?.get(session.sessionId), {...options, behind, summarized}))
        step.update(`${++done} of ${sessions.length}`)
      }
      return results
    },
    {concurrency: options.concurrency},
  ).catch((error: unknown) => {
    step.fail()
    throw error
  })
  await indexed(context, written)
  await behind.finish(options.signal)
  const report = pushReport(outcomes.flat())
  const failed = report.sessions.filter(({error}) => error).length
  if (failed > 0) step.fail(`${failed} of ${countSessions(sessions.length)} not pushed to ${context.store.url}`)
  else step.succeed(`Pushed ${countSessions(sessions.length)} to ${context.store.url}`)
  return report
}

/** Listings read the summaries of many from one object. They do without it where it is missing. */
async function indexed({store, clock, logger}: SyncContext, written: readonly IndexedSummary[]): Promise<void> {
  if (written.length < WORTH_AN_INDEX) return
  await addToIndex(store, clock.now(), written).catch((error: unknown) => {
    logger.debug('summaries were not indexed', {code: toRepriseError(error).code})
  })
}

async function pushOne(
  context: SyncContext,
  session: LocalSession,
  look: SessionLook | undefined,
  options: PushManyOptions & Pick<PushOptions, 'behind' | 'summarized'>,
): Promise<PushOutcome> {
  const {sessionId, projectKey} = session
  try {
    const pushed = await pushOrFork(context, session, {...options, ...(look && {look})})
    if (!options.dryRun) await record(context, pushed, options)
    return pushed
  } catch (error) {
    if (options.signal?.aborted) throw error
    const action = hasCode(error, 'SESSION_DIVERGED') ? 'diverged' : 'failed'
    return {sessionId, projectKey, action, ...nothing, error: failureOf(error)}
  }
}

/** What may not be written as this session (it diverged, or another worker goes on with it) is stored as one of its own. */
async function pushOrFork(
  context: SyncContext,
  session: LocalSession,
  options: PushOptions & Pick<PushManyOptions, 'fork'>,
): Promise<PushOutcome> {
  try {
    return await pushSession(context, session, options)
  } catch (error) {
    if (!options.fork || !hasCode(error, 'SESSION_DIVERGED', 'LEASE_HELD')) throw error
  }
  const {sessionId, projectKey} = session
  if (options.dryRun) return {sessionId, projectKey, action: 'forked', ...nothing}
  const forked = await forkOnce(context, session)
  const {look: _look, ...rest} = options
  const pushed = await pushSession(context, forked, rest)
  return {...pushed, sessionId, action: 'forked', newSessionId: forked.sessionId}
}

/** After the push: who finds the task or name then finds the session stored. */
async function record(
  {state, store, machine}: SyncContext,
  {sessionId, newSessionId = sessionId}: PushOutcome,
  {registry, task, name}: PushManyOptions,
): Promise<void> {
  const ids = [
    ['task', task],
    ['name', name],
  ] as const
  if (task === undefined && name === undefined) return
  const {homeKey, summary} = await state.read(newSessionId)
  const cwd = summary?.value['cwd']
  for (const [kind, id] of ids) {
    if (id === undefined) continue
    const facts = {
      agent: 'claude',
      store: store.url,
      machine,
      ...(homeKey !== undefined && {homeKey}),
      ...(typeof cwd === 'string' && {cwd}),
    }
    await registry.assign({kind, id, sessionId: newSessionId, ...facts}, {mode: 'append'})
  }
}

/** Copies of one session under several project keys are pushed one after the other. */
function copiesTogether(sessions: readonly LocalSession[]): readonly (readonly LocalSession[])[] {
  const byId = new Map<string, LocalSession[]>()
  for (const session of sessions) byId.set(session.sessionId, [...(byId.get(session.sessionId) ?? []), session])
  return [...byId.values()]
}

/** The outcomes of one push, or of several together. */
export function pushReport(sessions: readonly PushOutcome[]): PushReport {
  const sum = (pick: (each: PushOutcome) => number): number => sessions.reduce((total, each) => total + pick(each), 0)
  return {
    sessions,
    totals: {
      sessions: sessions.length,
      actions: countActions(sessions),
      bytesUploaded: sum((each) => each.bytesUploaded),
      partsCreated: sum((each) => each.partsCreated),
      entries: sum((each) => each.entries),
    },
  }
}

function oneSessionNeeded(found: number): RepriseError {
  return new RepriseError({
    kind: 'usage',
    code: 'ONE_SESSION_NEEDED',
    message: `a task or name is linked to one session; ${found} are meant here`,
    suggestions: ['Name the session: reprise push SESSION --task TASK', 'See which there are: reprise ls --local'],
  })
}

const nothing = {bytesUploaded: 0, partsCreated: 0, entries: 0} as const
