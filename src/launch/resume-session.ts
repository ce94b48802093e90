import {readLines} from '../transcript/lines.js'
import {sessionDir, transcriptPath} from '../transcript/config-dir.js'
import {discoverSession} from '../transcript/discover.js'
import type {Processes} from '../transcript/processes.js'
import {RepriseError} from '../base/errors.js'
import {join} from 'node:path'
import type {SessionLease} from '../registry/session-lease.js'
import type {SessionRef} from '../store/names.js'
import type {SyncContext} from '../sync/context.js'
import {holdSession} from '../sync/hold-session.js'
import {openLocalTranscript} from '../sync/local-transcript.js'
import {SessionMirror} from '../sync/mirror.js'
import type {MirrorOptions} from '../sync/mirrored-session.js'
import {moveSessionHere} from '../sync/move-session.js'
import {pullSession, refuseLive} from '../sync/pull-session.js'
import {UnleasedMirror} from '../sync/unleased-mirror.js'
import {launchMirrored, type MirroredLaunch, type MirroredLaunchOptions} from './launch-mirrored.js'
import type {LaunchPlan} from './plan.js'
import {ToolResultsNames} from './tool-results-names.js'
import {withToolResultsNote} from './tool-results-note.js'

export interface PrepareOptions {
  /** Claude's key of the cwd that it is started in. */
  readonly projectKey: string
  /** Go on although a claude on this machine, or another worker, has the session. */
  readonly force?: boolean
  readonly processes: Processes
}

export interface ResumeOptions extends PrepareOptions, MirrorOptions, MirroredLaunchOptions {
  readonly waitMs?: number
  /** Ends what is under way before claude is started, and gives the lease back. */
  readonly signal: AbortSignal
  readonly stateDirectory: string
  /** For stores that cannot keep one: nobody else may write the session meanwhile. */
  readonly withoutLease?: boolean
  /** How to begin a session that a task was promised, where nothing of it is there yet. */
  readonly begin?: LaunchPlan
}

/**
 * Brings a session here, under the current cwd's key, from wherever it is: the store, another key here, or both.
 *
 * @throws SESSION_NOT_FOUND, SESSION_LIVE, SESSION_DIVERGED, SESSION_COPIES
 */
export async function prepareSession(
  context: SyncContext,
  sessionId: string,
  options: PrepareOptions,
): Promise<{readonly path: string}> {
  const {projectKey, force = false, processes} = options
  if (!force) await refuseLive(context, sessionId, processes)
  await moveSessionHere(context, sessionId, projectKey)
  const path = transcriptPath(context.configDir, projectKey, sessionId)
  const isStored = (await context.homes.find(sessionId, projectKey)) !== undefined
  const isHere = (await discoverSession(context.configDir, sessionId)).sessions.some((each) => each.main)
  if (!isStored && isHere) return {path}
  // A session that was named but has no part yet has its home on record: what is here is all there is.
  await pullSession(context, sessionId, {projectKey, force: true, processes}).catch((error: unknown) => {
    if (!(isHere && error instanceof RepriseError && error.code === 'SESSION_NOT_FOUND')) throw error
  })
  return {path}
}

/**
 * Goes on in a session: takes its lease, brings it here, starts claude in it, mirrors what it writes, and gives the lease back.
 *
 * @throws LEASE_HELD, CONDITIONS_IGNORED, and what `prepareSession` throws, all before claude is started.
 */
export async function resumeSession(
  context: SyncContext,
  sessionId: string,
  plan: LaunchPlan,
  options: ResumeOptions,
): Promise<MirroredLaunch> {
  const {projectKey, inform, waitMs, force, signal} = options
  if (options.withoutLease) {
    const mirror = new UnleasedMirror(context, sessionId, options)
    const begin = await planToBegin(context, sessionId, options)
    if (begin) return launchMirrored(begin, undefined, mirror, options)
    const {path} = await prepareSession(context, sessionId, options)
    return withNote(context, path, plan, options, sessionId, (noted) =>
      launchMirrored(noted, undefined, mirror, options),
    )
  }
  const lease = await holdSession(context, sessionId, {
    ...(waitMs !== undefined && {waitMs}),
    ...(force !== undefined && {force}),
    signal,
    onWait: (held) => inform(`${held.message}; waiting for it`),
  })
  return withLease(lease, async () => {
    signal.throwIfAborted()
    // Who had the lease until now may have begun it.
    const begin = await planToBegin(context, sessionId, options)
    const ref: SessionRef = {sessionId, homeKey: await context.homes.settle(sessionId, projectKey)}
    await using mirror = new SessionMirror(context, lease, ref, options)
    if (begin) return await launchMirrored(begin, lease, mirror, options)
    const last = await mirror.settle()
    if (last && last.machine !== '' && last.machine !== context.machine) {
      inform(`last written by ${last.machine} at ${new Date(last.at).toISOString()}`)
    }
    signal.throwIfAborted()
    const {path} = await prepareSession(context, sessionId, options)
    return await withNote(context, path, plan, options, sessionId, async (noted) => {
      signal.throwIfAborted()
      await mirror.begin()
      return launchMirrored(noted, lease, mirror, options)
    })
  })
}

/** Whether there is anything of a session to go on from. */
export async function isSomewhere(
  {configDir, homes, parts}: SyncContext,
  sessionId: string,
  projectKey: string,
): Promise<boolean> {
  const {sessions} = await discoverSession(configDir, sessionId)
  if (sessions.some(({main}) => main)) return true
  const homeKey = await homes.find(sessionId, projectKey)
  if (homeKey === undefined) return false
  const {transcripts} = await parts.listSession({homeKey, sessionId})
  return transcripts.some((each) => each.parts.length > 0)
}

/** A worker that died in its first second left its task to a session that nobody has: it begins now, under that id. */
async function planToBegin(
  context: SyncContext,
  sessionId: string,
  {begin, projectKey, inform}: ResumeOptions,
): Promise<LaunchPlan | undefined> {
  if (!begin || (await isSomewhere(context, sessionId, projectKey))) return undefined
  inform(`nothing of session ${sessionId} is stored yet: it begins now`)
  return begin
}

/** Begins a session whose id is known before its first message, and mirrors it from there. */
export async function runSession(
  context: SyncContext,
  sessionId: string,
  plan: LaunchPlan,
  options: ResumeOptions,
): Promise<MirroredLaunch> {
  const {projectKey, signal} = options
  if (options.withoutLease) {
    const mirror = new UnleasedMirror(context, sessionId, options)
    return launchMirrored(plan, undefined, mirror, options)
  }
  const lease = await holdSession(context, sessionId, {signal})
  return withLease(lease, async () => {
    const ref: SessionRef = {sessionId, homeKey: await context.homes.record(sessionId, projectKey)}
    await using mirror = new SessionMirror(context, lease, ref, options)
    return await launchMirrored(plan, lease, mirror, options)
  })
}

/** A lease under which nothing was launched is given back. */
async function withLease<T>(lease: SessionLease, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof RepriseError && error.kind === 'unreachable')) await lease.release().catch(() => undefined)
    throw error
  }
}

/** Tells the model where outputs lie now that the transcript names by another worker's paths. */
async function withNote<T>(
  {configDir, uid}: SyncContext,
  path: string,
  plan: LaunchPlan,
  {projectKey, stateDirectory, inform}: ResumeOptions,
  sessionId: string,
  launch: (plan: LaunchPlan) => Promise<T>,
): Promise<T> {
  const names = new ToolResultsNames()
  {
    await using local = await openLocalTranscript(path, uid)
    for await (const line of readLines(local.read(0, local.length), {onTooLong: 'report'})) names.observe(line.bytes)
  }
  const current = join(sessionDir(configDir, projectKey, sessionId), 'tool-results')
  const noted = await withToolResultsNote(plan, {named: names.directories, current, stateDirectory})
  if (noted.leftOut) {
    const why = noted.leftOut === 'settings' ? 'your --settings kept' : 'a state directory that cannot be written keeps'
    inform(`large outputs of earlier turns lie elsewhere now, and ${why} the model from being told where`)
  }
  try {
    return await launch(noted.plan)
  } finally {
    await noted.dispose()
  }
}
