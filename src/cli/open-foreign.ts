import {realpath} from 'node:fs/promises'
import pMap from 'p-map'
import type {PullOutcome} from '../sync/pull-many.js'
import {countSessions} from '../sync/report.js'
import {notFound} from '../sync/select-sessions.js'
import {codexHomeOf} from '../transcript/codex/codex-home.js'
import type {RestoreOptions} from '../layouts/restore-claude.js'
import type {FoundSession} from '../layouts/select-foreign.js'
import {openForeign, type OpenSourcesOptions, warnOfLeftOut} from './open-sources.js'
import type {Runtime} from './runtime.js'
import {openSync, type SyncRun} from './sync-context.js'

/** Several transcripts of one session are restored one after the other. */
const RESTORED_AT_ONCE = 4

export interface PullForeignOptions extends OpenSourcesOptions, RestoreOptions {
  readonly all: boolean
  /** Another config dir, or home of Codex, than the run's own. Absolute. */
  readonly to?: string | undefined
}

export interface PulledForeign {
  readonly outcomes: PullOutcome[]
  /** What is left for the store of reprise among them: nothing where there is none, `[]` for the sessions of this directory. */
  readonly left: readonly string[] | undefined
}

/**
 * Restores what of the named sessions lies in stores of other layouts.
 *
 * @throws SESSION_NOT_FOUND, SESSION_AMBIGUOUS, and what `openForeign` throws.
 */
export async function pullForeign(
  runtime: Runtime,
  named: readonly string[],
  options: PullForeignOptions,
): Promise<PulledForeign> {
  const {sources, ownFirst} = await openForeign(runtime, options)
  if (sources.length === 0) return {outcomes: [], left: named}
  const {allForeign, findForeign, foreignOfProject} = await import('../layouts/select-foreign.js')
  const {tryRestoreForeign} = await import('../layouts/restore-foreign.js')
  const {all, to, dryRun = false, merge, fork, force} = options
  const run = await openReading(runtime, options.task, to)
  const {projectKey} = run
  const wanted = new Map<string, FoundSession>()
  const left: string[] = []
  for (const text of named) {
    const found = await findForeign(sources, text)
    if (found) wanted.set(found.session.uri, found)
    else if (ownFirst) left.push(text)
    else throw notFound(text)
  }
  if (named.length === 0) {
    const cwd = await realpath(runtime.settings.cwd).catch(() => runtime.settings.cwd)
    const chosen = all ? await allForeign(sources) : await foreignOfProject(sources, {projectKey, cwd})
    for (const found of chosen) wanted.set(found.session.uri, found)
  }
  for (const source of sources) warnOfLeftOut(runtime, source.url, await source.leftOut())
  const target = {projectKey: all ? undefined : projectKey, codexHome: to ?? codexHomeOf(runtime)}
  const restore = {...target, processes: run.processes, merge, fork, force, dryRun}
  const what = countSessions(wanted.size)
  const step = runtime.progress.task(`Restoring ${what} from ${sources.map(({url}) => url).join(', ')}`)
  const outcomes = await pMap(
    copiesOf(wanted.values()),
    async (copies) => {
      const done: PullOutcome[] = []
      for (const found of copies) {
        runtime.signal.throwIfAborted()
        done.push(await tryRestoreForeign(run.context, found, restore))
      }
      return done
    },
    {concurrency: RESTORED_AT_ONCE},
  ).catch((error: unknown) => {
    step.fail()
    throw error
  })
  const failed = outcomes.flat().filter(({error}) => error).length
  if (failed > 0) step.fail(`${failed} of ${what} not restored`)
  else step.succeed(`Restored ${what}`)
  const isDone = !ownFirst || (named.length > 0 && left.length === 0)
  return {outcomes: outcomes.flat(), left: isDone ? undefined : left}
}

/** A session that several machines copied is restored from one after the other: the copy with more of it wins. */
function copiesOf(wanted: Iterable<FoundSession>): readonly (readonly FoundSession[])[] {
  const byId = new Map<string, FoundSession[]>()
  for (const found of wanted) {
    const {agent, sessionId} = found.session
    byId.set(`${agent} ${sessionId}`, [...(byId.get(`${agent} ${sessionId}`) ?? []), found])
  }
  return [...byId.values()]
}

/** The session to go on in, where it lies in a store of another layout. @throws SESSION_NOT_FOUND where no store is reprise's */
export async function chooseForeign(
  runtime: Runtime,
  text: string | undefined,
  {latest, ...options}: OpenSourcesOptions & {readonly latest: boolean},
): Promise<FoundSession | undefined> {
  if (text === undefined && !latest) return undefined
  const {sources, ownFirst} = await openForeign(runtime, options)
  if (sources.length === 0) return undefined
  const {allForeign, findForeign} = await import('../layouts/select-foreign.js')
  if (text === undefined) {
    if (ownFirst) return undefined
    const all = await allForeign(sources)
    return all.toSorted((a, b) => b.session.main.modified - a.session.main.modified)[0]
  }
  const found = await findForeign(sources, text)
  if (!found && !ownFirst) throw notFound(text)
  return found
}

/** What restoring into Claude's directory takes; the store that it names is only read. */
export async function openReading(runtime: Runtime, task: string | undefined, configDir?: string): Promise<SyncRun> {
  return openSync(runtime, {task, configDir, dryRun: true, whateverAgreed: true})
}
