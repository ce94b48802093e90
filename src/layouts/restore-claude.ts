import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import type {SyncContext} from '../sync/context.js'
import {forkOnce} from '../sync/fork-session.js'
import {type PullAction, refuseLive, severalCopies} from '../sync/pull-session.js'
import type {PullOutcome} from '../sync/pull-many.js'
import {diverged} from '../sync/push-transcript.js'
import {keepTorn} from '../sync/transcript-file.js'
import {sessionDir, transcriptPath} from '../transcript/config-dir.js'
import {discoverSession} from '../transcript/discover.js'
import type {Processes} from '../transcript/processes.js'
import type {ObjectSummary} from '../object-store/object-store.js'
import type {ForeignSession} from './foreign-session.js'
import {readBytes, readWhole} from './read-transcript.js'
import {
  openHere,
  planRestore,
  type Restored,
  type RestoreTarget,
  type WholeTranscript,
  writeUnion,
  writeWhole,
} from './restore-transcript.js'
import type {Tree} from './tree.js'

export interface RestoreOptions {
  readonly merge?: boolean | undefined
  /** Where both sides have messages of their own: what is here is kept as a session of its own. */
  readonly fork?: boolean | undefined
  /** Touch a session that a claude on this machine has open. */
  readonly force?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

export interface ClaudeRestoreOptions extends RestoreOptions {
  /** Where a session goes that is not here. */
  readonly projectKey: string
  readonly processes: Processes
}

interface Outcome extends Restored {
  readonly action: PullAction
  readonly newSessionId?: string
}

const NOTHING: Restored = {bytes: 0, entries: 0}

/**
 * Restores a session where Claude looks for it: what the transcripts refer to first, then subagents, then the main transcript. A copy
 * that is here is updated where it lies.
 *
 * @throws SESSION_COPIES, SESSION_LIVE, SESSION_DIVERGED, and what store and file system throw.
 */
export async function restoreClaude(
  context: SyncContext,
  tree: Tree,
  session: ForeignSession,
  options: ClaudeRestoreOptions,
): Promise<PullOutcome> {
  const {configDir: root, random, uid, maxBytes} = context
  const {sessionId, main, subagents, toolResults} = session
  const here = (await discoverSession(root, sessionId)).sessions
  const [local, ...more] = here
  if (more.length > 0) throw severalCopies(sessionId, here)
  if (local && !options.force) await refuseLive(context, sessionId, options.processes)
  const projectKey = local?.projectKey ?? options.projectKey
  const path = transcriptPath(root, projectKey, sessionId)
  const directory = sessionDir(root, projectKey, sessionId)
  const target: RestoreTarget = {root, random, uid, sessionId, maxBytes}
  const restore = new ClaudeRestore(context, tree, session, target, options)
  // Decided first: where the conversation itself is refused, nothing is written.
  const fork = await restore.forkWhereDiverged(path)
  const outcomes: Outcome[] = []
  for (const file of toolResults) outcomes.push(await restore.file(file, join(directory, 'tool-results', file.name)))
  for (const {subpath, transcript, meta} of subagents) {
    if (meta) outcomes.push(await restore.file(meta, join(directory, `${subpath}.meta.json`)))
    outcomes.push(await restore.transcript(transcript, join(directory, `${subpath}.jsonl`), fork !== undefined))
  }
  outcomes.push(await restore.transcript(main, path, fork !== undefined))
  const told = outcomes.map(({action}) => action)
  return {
    sessionId,
    projectKey,
    action: fork === undefined ? (TELLING.find((action) => told.includes(action)) ?? 'unchanged') : 'forked',
    bytesDownloaded: outcomes.reduce((sum, {bytes}) => sum + bytes, 0),
    entries: outcomes.reduce((sum, {entries}) => sum + entries, 0),
    path,
    ...(fork?.newSessionId !== undefined && {newSessionId: fork.newSessionId}),
  }
}

const TELLING: readonly PullAction[] = ['merged', 'pulled', 'ahead', 'unchanged']

class ClaudeRestore {
  readonly #context: SyncContext
  readonly #tree: Tree
  readonly #session: ForeignSession
  readonly #target: RestoreTarget
  readonly #options: RestoreOptions

  constructor(
    context: SyncContext,
    tree: Tree,
    session: ForeignSession,
    target: RestoreTarget,
    options: RestoreOptions,
  ) {
    this.#context = context
    this.#tree = tree
    this.#session = session
    this.#target = target
    this.#options = options
  }

  /** @returns what the local conversation is kept as, where it has to be. @throws SESSION_DIVERGED */
  async forkWhereDiverged(path: string): Promise<{readonly newSessionId?: string} | undefined> {
    const {merge, fork, dryRun} = this.#options
    await using local = await openHere(path, this.#target.uid)
    const plan = await planRestore(local, this.#wholeOf(this.#session.main))
    if (plan.step !== 'refuse' || merge) return undefined
    if (!fork) throw diverged(this.#session.sessionId, surplusOf(plan.local), surplusOf(plan.stored))
    const [session] = (await discoverSession(this.#context.configDir, this.#session.sessionId)).sessions
    if (dryRun || !session) return {}
    return {newSessionId: (await forkOnce(this.#context, session)).sessionId}
  }

  /** One that is no transcript: its size decides. */
  async file(source: ObjectSummary, path: string): Promise<Outcome> {
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile() && found.size === source.size) return {action: 'unchanged', ...NOTHING}
    const {bytes} = this.#options.dryRun
      ? {bytes: source.size}
      : await writeWhole(this.#target, path, this.#wholeOf(source))
    return {action: 'pulled', bytes, entries: 0}
  }

  /** @param take what is there replaces what is here, which is kept elsewhere. */
  async transcript(source: ObjectSummary, path: string, take: boolean): Promise<Outcome> {
    await using local = await openHere(path, this.#target.uid)
    const whole = this.#wholeOf(source)
    const plan = await planRestore(local, whole)
    switch (plan.step) {
      case 'nothing':
        return {action: 'unchanged', ...NOTHING}
      case 'ahead':
        return {action: 'ahead', ...NOTHING}
      case 'create':
      case 'replace':
        return {action: 'pulled', ...(await this.#write(path, whole))}
      case 'union':
      case 'refuse': {
        const surplus = plan.step === 'union' ? plan.surplus : plan.stored
        if (take && plan.step === 'refuse') return {action: 'pulled', ...(await this.#write(path, whole))}
        if (!local || !surplus || !whole.bytes || (plan.step === 'refuse' && !this.#options.merge)) {
          const lacks = plan.step === 'refuse' ? plan.local : undefined
          throw diverged(this.#session.sessionId, surplusOf(lacks), surplusOf(surplus))
        }
        if (this.#options.dryRun) return {action: 'merged', ...NOTHING}
        if (local.torn > 0) await keepTorn(this.#context, local, path)
        return {action: 'merged', ...(await writeUnion(this.#target, path, local, whole.bytes, surplus))}
      }
    }
  }

  async #write(path: string, whole: WholeTranscript): Promise<Restored> {
    return this.#options.dryRun ? {bytes: whole.size, entries: 0} : writeWhole(this.#target, path, whole)
  }

  #wholeOf(object: ObjectSummary): WholeTranscript {
    const read = (start: number, end: number) => readBytes(this.#tree, object, start, end)
    return {
      size: object.size,
      open: () => readWhole(this.#tree, object),
      bytes: {length: object.size, read},
    }
  }
}

function surplusOf(surplus: {readonly entries: number; readonly messages: number} | undefined) {
  return {entries: surplus?.entries ?? 0, messages: surplus?.messages ?? 0, ranges: []}
}
