import {checkSize} from '../store/size-limit.js'
import type {SyncContext} from '../sync/context.js'
import type {PullOutcome} from '../sync/pull-many.js'
import {failureOf} from '../sync/report.js'
import {hasCode} from '../base/errors.js'
import {transcriptPath} from '../transcript/config-dir.js'
import {type ClaudeRestoreOptions, restoreClaude} from './restore-claude.js'
import type {ForeignSession} from './foreign-session.js'
import {CodexHome} from './codex-home.js'
import {restoreCodex} from './restore-codex.js'
import type {FoundSession} from './select-foreign.js'

export interface ForeignRestoreOptions extends Omit<ClaudeRestoreOptions, 'projectKey'> {
  /** Claude's key under which a session goes that is not here; undefined: the one that it has there. */
  readonly projectKey?: string | undefined
  /** Absolute. */
  readonly codexHome: string
}

/** Restores one session where its agent looks for it. @throws SESSION_TOO_LARGE, what `restoreClaude` and `restoreCodex` throw, ANCESTOR_MISSING */
export async function restoreForeign(
  context: SyncContext,
  {source, session, beside}: FoundSession,
  options: ForeignRestoreOptions,
): Promise<PullOutcome> {
  const {sessionId, agent} = session
  const {random, uid, maxBytes} = context
  checkSize(sessionId, listedSize(session), maxBytes)
  if (agent === 'claude') {
    const projectKey = options.projectKey ?? session.projectKey
    return restoreClaude(context, source.tree, session, {...options, projectKey})
  }
  const home = await CodexHome.look(options.codexHome)
  const ancestors = await source.ancestors(session, beside, (base) => home.holds(base))
  const target = {root: options.codexHome, random, uid, sessionId, maxBytes}
  return restoreCodex(target, home, {tree: source.tree, session}, ancestors, options)
}

function listedSize({main, subagents, toolResults}: ForeignSession): number {
  const files = [main, ...toolResults, ...subagents.map(({transcript}) => transcript)]
  return files.reduce((sum, {size}) => sum + size, 0)
}

/** One of several: that it failed is told in its outcome. */
export async function tryRestoreForeign(
  context: SyncContext,
  found: FoundSession,
  options: ForeignRestoreOptions,
): Promise<PullOutcome> {
  try {
    return await restoreForeign(context, found, options)
  } catch (error) {
    const {sessionId, agent, projectKey: theirs} = found.session
    const projectKey = agent === 'claude' ? (options.projectKey ?? theirs) : ''
    const action = hasCode(error, 'SESSION_DIVERGED') ? 'diverged' : 'failed'
    const path = agent === 'claude' ? transcriptPath(context.configDir, projectKey, sessionId) : options.codexHome
    return {sessionId, projectKey, action, bytesDownloaded: 0, entries: 0, path, error: failureOf(error)}
  }
}
