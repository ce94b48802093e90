import {RepriseError} from '../base/errors.js'
import type {Registry} from '../registry/registry.js'
import type {SyncContext} from '../sync/context.js'
import {type SecretCounts, watchForSecrets} from '../sync/written-secrets.js'
import {transcriptPath} from '../transcript/config-dir.js'
import type {Processes} from '../transcript/processes.js'
import {exitCodeOfChild} from './child.js'
import type {MirroredLaunch} from './launch-mirrored.js'
import {planLaunch, type Start} from './plan.js'
import {type PrintedPlan, planAsShell, printPlan} from './print-plan.js'
import {isSomewhere, prepareSession, resumeSession, runSession} from './resume-session.js'
import {moveLinks, recordEnd, recordStart, type SessionLink} from './session-links.js'

/** What starting a claude takes, whatever it starts with. */
export interface StartContext {
  readonly sync: SyncContext
  readonly registry: Registry
  readonly processes: Processes
  /** Claude's key of `cwd`. */
  readonly projectKey: string
  /** Absolute path of the program. */
  readonly claude: string
  readonly cwd: string
  /** Only when the user named one: claude finds its own. */
  readonly configDir?: string | undefined
  /** For claude, from behind `--`. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Variables of `env` that claude must not inherit. */
  readonly unset?: readonly string[]
  readonly graceMs: number
  /** For stores that cannot keep a lease. */
  readonly withoutLease: boolean
  /** Say at the end what looks like a secret in what was written. */
  readonly looksForSecrets: boolean
  readonly stateDirectory: string
  /** Ends what is under way before claude is started. */
  readonly signal: AbortSignal
  /** From then on signals are claude's; this process listens. */
  readonly handOverSignals: () => void
  /** One line for the person at the terminal, on stderr. */
  readonly inform: (line: string) => void
}

export interface StartedSession {
  readonly sessionId: string
  /** The local transcript. */
  readonly path: string
  /** Claude's own, or ours when what it wrote is not stored. */
  readonly exitCode: number
  /** Everything that the local files hold is in the store. */
  readonly stored: boolean
  readonly bytesUploaded: number
  readonly partsCreated: number
  readonly entries: number
  readonly error?: {readonly kind: string; readonly code: string; readonly message: string}
}

export interface ResumeRequest {
  readonly sessionId: string
  /** Go on in a copy with this id, and leave the session as it is. */
  readonly forkInto?: string | undefined
  readonly force?: boolean | undefined
  readonly waitMs?: number | undefined
  /** Tasks and names that were used to find it, or that are to follow it. */
  readonly links: readonly SessionLink[]
}

/** Brings a session here and shows how it would be resumed. Takes no lease: whoever starts it must know that nobody else does. */
export async function printResume(
  context: StartContext,
  {sessionId, forkInto, force}: ResumeRequest,
): Promise<PrintedPlan & {readonly shell: string}> {
  const plan = planLaunch(startOf(sessionId, forkInto), context)
  const {path} = await prepareSession(context.sync, sessionId, {...context, ...(force && {force})})
  return {...printPlan(plan, path), shell: planAsShell(plan)}
}

/** Goes on in a session until claude ends, and stores what it wrote. */
export async function startResume(context: StartContext, request: ResumeRequest): Promise<StartedSession> {
  const {sessionId, forkInto, force, waitMs, links} = request
  const plan = planLaunch(startOf(sessionId, forkInto), context)
  const options = {...optionsOf(context, links), ...(force && {force}), ...(waitMs !== undefined && {waitMs})}
  const isPromised = links.length > 0 && forkInto === undefined
  // Looked at before anything is written for it: a mistyped id would get a lease and, for ever, a home.
  if (!isPromised && !(await isSomewhere(context.sync, sessionId, context.projectKey))) {
    throw nowhere(sessionId, context)
  }
  if (forkInto === undefined) {
    const begin = isPromised ? {begin: planLaunch({type: 'run', sessionId}, context)} : {}
    return recorded(context, sessionId, links, 'at-start', (hooks) =>
      resumeSession(context.sync, sessionId, plan, {...options, ...begin, ...hooks}),
    )
  }
  await prepareSession(context.sync, sessionId, options)
  return recorded(context, forkInto, links, 'when-stored', (hooks) =>
    runSession(context.sync, forkInto, plan, {...options, ...hooks}),
  )
}

/** Begins a session, known to the registry before its first message. */
export async function startRun(
  context: StartContext,
  {sessionId, links}: Pick<ResumeRequest, 'sessionId' | 'links'>,
): Promise<StartedSession> {
  const plan = planLaunch({type: 'run', sessionId}, context)
  return recorded(context, sessionId, links, 'at-start', (hooks) =>
    runSession(context.sync, sessionId, plan, {...optionsOf(context, links), ...hooks}),
  )
}

function nowhere(sessionId: string, {sync}: StartContext): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'SESSION_NOT_FOUND',
    message: `session ${sessionId} is neither on this machine nor in ${sync.store.url}`,
    suggestions: ['reprise ls', 'Name another store: --store'],
  })
}

function startOf(sessionId: string, forkInto: string | undefined): Start {
  if (forkInto === undefined) return {type: 'resume', sessionId}
  return {type: 'fork', sessionId, newSessionId: forkInto}
}

function optionsOf(context: StartContext, links: readonly SessionLink[]) {
  const task = links.find(({kind}) => kind === 'task')?.id
  const name = links.find(({kind}) => kind === 'name')?.id
  const {sync, projectKey, processes, env, graceMs, withoutLease, stateDirectory, inform, signal} = context
  return {
    clock: sync.clock,
    observe: sync.observe,
    projectKey,
    processes,
    env,
    graceMs,
    withoutLease,
    stateDirectory,
    inform,
    signal,
    labels: {...(task !== undefined && {task}), ...(name !== undefined && {name})},
  }
}

/**
 * When a task or name follows to the session. At the start, so that it leads to it even when this worker dies in its first second;
 * or, where it leads to another one meanwhile, when there is something to go on from.
 */
type Follow = 'at-start' | 'when-stored'

interface LaunchHooks {
  readonly onStart: () => Promise<void>
  readonly onStored: () => void
}

/** Links the session, when the lease is held; how it ended is recorded after, and a registry that fails then costs a line on stderr. */
async function recorded(
  context: StartContext,
  sessionId: string,
  links: readonly SessionLink[],
  follow: Follow,
  launch: (hooks: LaunchHooks) => Promise<MirroredLaunch>,
): Promise<StartedSession> {
  let moved: Promise<void> | undefined
  let secrets: (() => Promise<SecretCounts>) | undefined
  const {end, report} = await launch({
    async onStart() {
      context.signal.throwIfAborted()
      if (context.looksForSecrets) secrets = await watchForSecrets(context.sync, {...context, sessionId})
      if (follow === 'at-start') await recordStart(context, links, sessionId)
      context.signal.throwIfAborted()
      for (const name of OUTLIVED) process.on(name, ignore)
      context.handOverSignals()
    },
    onStored() {
      if (follow === 'when-stored') moved = moveLinks(context, links, sessionId)
    },
  })
  const path = transcriptPath(context.sync.configDir, context.projectKey, sessionId)
  if (follow === 'at-start' || moved) await recordEnd(context, links, sessionId, report.complete, moved)
  const exitCode = report.complete ? exitCodeOfChild(end) : report.error?.code === 'LEASE_LOST' ? 4 : 6
  if (!report.complete) context.inform(notStored(path, report.error))
  const found = [...((await secrets?.()) ?? [])].map(([rule, lines]) => `${rule} (${countLines(lines)})`)
  if (found.length > 0) context.inform(`what was written looks as if it held secrets: ${found.join(', ')}`)
  for (const name of OUTLIVED) process.removeListener(name, ignore)
  return {
    sessionId,
    path,
    exitCode,
    stored: report.complete,
    bytesUploaded: report.bytes,
    partsCreated: report.parts,
    entries: report.entries,
    ...(report.error && {error: {kind: report.error.kind, code: report.error.code, message: report.error.message}}),
  }
}

/** Signals are claude's to obey; this process ends when what claude wrote is stored. */
const OUTLIVED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function ignore(): void {}

function countLines(lines: number): string {
  return lines === 1 ? '1 line' : `${lines} lines`
}

function notStored(path: string, error: RepriseError | undefined): string {
  const why = error ? `: ${error.message.replace(/\.$/, '')}` : ''
  return `not everything of this session is stored${why}. It is kept in ${path}`
}
