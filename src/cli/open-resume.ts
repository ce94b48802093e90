import {findClaude, findCodex} from '../launch/find-claude.js'
import {chooseSession} from '../launch/choose-session.js'
import type {PrintedPlan} from '../launch/print-plan.js'
import {printResume, startResume, type StartedSession} from '../launch/start-claude.js'
import type {FoundSession} from '../layouts/select-foreign.js'
import {codexHomeOf} from '../transcript/codex/codex-home.js'
import {awsCredentialsIn} from '../launch/aws-credentials.js'
import {parseWait} from './duration.js'
import {chooseForeign, openReading} from './open-foreign.js'
import {openTaskOf} from './open-tasks.js'
import type {Runtime} from './runtime.js'
import {informer, openStart, type StartFlags} from './start-context.js'

/** A session that was chosen, and the two things that can be done with it. */
export interface Resume {
  /** Restores it, and shows how it would be started. */
  print(): Promise<PrintedPlan & {readonly shell: string}>
  /** Goes on in it until the agent ends. */
  start(): Promise<StartedSession>
}

export interface ResumeFlags extends StartFlags {
  readonly task?: string | undefined
  readonly layout?: string | undefined
  readonly latest: boolean
  readonly fork: boolean
  readonly force: boolean
  readonly wait?: string | undefined
}

/**
 * @param text as a person wrote it: a task, a name, a session id, the beginning of one, or a URI.
 * @param args for the agent, from behind `--`.
 * @throws SESSION_NOT_FOUND, SESSION_AMBIGUOUS, SESSION_MISSING, CLAUDE_NOT_FOUND, CODEX_NOT_FOUND, and what opening stores throws.
 */
export async function openResume(
  runtime: Runtime,
  text: string | undefined,
  args: readonly string[],
  flags: ResumeFlags,
): Promise<Resume> {
  const {latest, layout} = flags
  const wanted = text ?? (latest ? undefined : flags.task)
  const found = await chooseForeign(runtime, wanted, {latest, layout, task: flags.task})
  return found ? openForeignResume(runtime, found, args, flags) : openOwnResume(runtime, text, args, flags)
}

async function openOwnResume(
  runtime: Runtime,
  text: string | undefined,
  args: readonly string[],
  flags: ResumeFlags,
): Promise<Resume> {
  const {latest, fork, force, wait} = flags
  const task = flags.task ?? (await openTaskOf(runtime, text))
  const context = await openStart(runtime, args, task, flags)
  const wanted = text ?? (latest ? undefined : flags.task)
  const request = {
    ...(await chooseSession(context.sync, context.registry, wanted, latest)),
    force,
    forkInto: fork ? runtime.random.uuid() : undefined,
    waitMs: wait === undefined ? undefined : parseWait(wait, '--wait'),
  }
  return {print: async () => printResume(context, request), start: async () => startResume(context, request)}
}

async function openForeignResume(
  runtime: Runtime,
  found: FoundSession,
  args: readonly string[],
  {task, grace, fork, force, 'scrub-aws': scrubs}: ResumeFlags,
): Promise<Resume> {
  const {printForeign, startForeign} = await import('../launch/resume-foreign.js')
  const {settings, env, signal} = runtime
  const {context: sync, processes, projectKey} = await openReading(runtime, task)
  const search = {path: env['PATH'], cwd: settings.cwd, workingDirectory: process.cwd()}
  const isCodex = found.session.agent === 'codex'
  const context = {
    sync,
    processes,
    projectKey,
    program: await (isCodex ? findCodex(search) : findClaude({...search, bin: settings.claudeBin})),
    cwd: settings.cwd,
    configDir: settings.configDir,
    codexHome: codexHomeOf(runtime),
    args,
    env,
    unset: scrubs ? awsCredentialsIn(env) : [],
    graceMs: parseWait(grace, '--grace'),
    signal,
    handOverSignals: () => runtime.handOverSignals(),
    inform: informer(runtime),
  }
  const request = {found, force, forkInto: fork ? runtime.random.uuid() : undefined}
  return {print: async () => printForeign(context, request), start: async () => startForeign(context, request)}
}
