import type {FoundSession} from '../layouts/select-foreign.js'
import {restoreForeign} from '../layouts/restore-foreign.js'
import type {SyncContext} from '../sync/context.js'
import {moveSessionHere} from '../sync/move-session.js'
import {refuseLive} from '../sync/pull-session.js'
import type {Processes} from '../transcript/processes.js'
import {exitCodeOfChild, launchClaude} from './child.js'
import {planCodex} from './codex-plan.js'
import {type LaunchPlan, planLaunch} from './plan.js'
import {type PrintedPlan, planAsShell, printPlan} from './print-plan.js'
import type {StartedSession} from './start-claude.js'

/** What going on in a session takes that lies in a layout of other programs. */
export interface ForeignLaunchContext {
  readonly sync: SyncContext
  readonly processes: Processes
  /** Claude's key of `cwd`. */
  readonly projectKey: string
  /** Absolute path of the agent's program. */
  readonly program: string
  readonly cwd: string
  /** Only when the user named one: claude finds its own. */
  readonly configDir?: string | undefined
  /** Where Codex looks, by the environment that it inherits. */
  readonly codexHome: string
  /** For the agent, from behind `--`. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly unset?: readonly string[] | undefined
  readonly graceMs: number
  readonly signal: AbortSignal
  /** From then on signals are the agent's; this process listens. */
  readonly handOverSignals: () => void
  readonly inform: (line: string) => void
}

export interface ForeignRequest {
  readonly found: FoundSession
  /** Go on in a copy; for Claude with this id, Codex chooses its own. */
  readonly forkInto?: string | undefined
  readonly force?: boolean | undefined
}

/** Restores a session and shows how it would be gone on in. */
export async function printForeign(
  context: ForeignLaunchContext,
  request: ForeignRequest,
): Promise<PrintedPlan & {readonly shell: string}> {
  const plan = planForeign(context, request)
  return {...printPlan(plan, await prepareForeign(context, request)), shell: planAsShell(plan)}
}

/** Restores a session, and runs its agent in it until that ends. What the agent writes stays on this machine. */
export async function startForeign(context: ForeignLaunchContext, request: ForeignRequest): Promise<StartedSession> {
  const {env, sync, graceMs, signal, handOverSignals, inform} = context
  const plan = planForeign(context, request)
  const path = await prepareForeign(context, request)
  signal.throwIfAborted()
  inform(`restored from ${request.found.source.url}, where nothing is written: what comes now is on this machine alone`)
  handOverSignals()
  const child = await launchClaude(plan, {env, clock: sync.clock, graceMs})
  const exitCode = exitCodeOfChild(await child.ended)
  return {sessionId: plan.sessionId, path, exitCode, stored: false, bytesUploaded: 0, partsCreated: 0, entries: 0}
}

/** Pure. @throws CLAUDE_ARGUMENT_REFUSED, CODEX_ARGUMENT_REFUSED */
function planForeign(context: ForeignLaunchContext, {found, forkInto}: ForeignRequest): LaunchPlan {
  const {agent, sessionId} = found.session
  if (agent === 'codex') return planCodex(sessionId, forkInto === undefined ? 'resume' : 'fork', context)
  const options = {...context, claude: context.program}
  if (forkInto === undefined) return planLaunch({type: 'resume', sessionId}, options)
  return planLaunch({type: 'fork', sessionId, newSessionId: forkInto}, options)
}

/** @returns where the main transcript lies then. */
async function prepareForeign(context: ForeignLaunchContext, {found, force}: ForeignRequest): Promise<string> {
  const {sync, projectKey, processes, codexHome} = context
  const {agent, sessionId} = found.session
  if (agent === 'claude') {
    if (!force) await refuseLive(sync, sessionId, processes)
    await moveSessionHere(sync, sessionId, projectKey)
  }
  const {path} = await restoreForeign(sync, found, {projectKey, processes, codexHome, force: true})
  return path
}
