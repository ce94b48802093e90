import {join} from 'node:path'
import {RepriseError} from '../base/errors.js'
import type {PullOutcome} from '../sync/pull-many.js'
import {parseRolloutName, rolloutPath} from '../transcript/codex/rollout-name.js'
import type {Ancestor, Rollout} from './ancestors.js'
import type {CodexHome} from './codex-home.js'
import type {ForeignSession} from './foreign-session.js'
import {readMain} from './read-transcript.js'
import {planRestore, type RestoreTarget, writeWhole} from './restore-transcript.js'
import type {RestoreOptions} from './restore-claude.js'

/**
 * Restores a session where `codex resume` finds it: what a fork rests on first, then its own rollout, each decompressed and under the
 * day and name that its file has. One that is here is updated where it lies, or left where it has more.
 *
 * @param target.root Codex's home.
 * @param ancestors the oldest first.
 * @throws SESSION_DIVERGED, ROLLOUT_DAMAGED, and what store and file system throw.
 */
export async function restoreCodex(
  target: RestoreTarget,
  home: CodexHome,
  rollout: Rollout,
  ancestors: readonly Ancestor[],
  options: Pick<RestoreOptions, 'dryRun'>,
): Promise<PullOutcome> {
  const steps: RolloutStep[] = []
  for (const {bytes, ...ancestor} of ancestors) {
    steps.push(await restoreRollout(target, home, {...ancestor, least: bytes}, options))
  }
  const own = await restoreRollout(target, home, rollout, options)
  const isNew = [...steps, own].some(({action}) => action === 'pulled')
  return {
    sessionId: rollout.session.sessionId,
    projectKey: '',
    action: isNew ? 'pulled' : own.action,
    bytesDownloaded: [...steps, own].reduce((sum, {bytes}) => sum + bytes, 0),
    entries: [...steps, own].reduce((sum, {entries}) => sum + entries, 0),
    path: own.path,
  }
}

interface RolloutStep {
  readonly action: 'pulled' | 'unchanged' | 'ahead'
  readonly path: string
  readonly bytes: number
  readonly entries: number
}

interface Wanted extends Rollout {
  /** Of an ancestor: how much of it a fork rests on. */
  readonly least?: number
}

async function restoreRollout(
  target: RestoreTarget,
  home: CodexHome,
  {tree, session, least}: Wanted,
  {dryRun}: Pick<RestoreOptions, 'dryRun'>,
): Promise<RolloutStep> {
  const local = home.find(session.sessionId)
  // Where Codex compressed the copy that is here it reads it as it is; one that is longer goes beside it, which Codex prefers.
  const path = local && !local.compressed ? local.path : join(target.root, pathOf(session))
  const whole = {size: session.main.size, open: () => readMain(tree, session)}
  const plan = await planRestore(local, whole)
  const nothing = {path: local?.path ?? path, bytes: 0, entries: 0}
  switch (plan.step) {
    case 'nothing':
      return {action: 'unchanged', ...nothing}
    case 'ahead':
      return {action: 'ahead', ...nothing}
    case 'union':
    case 'refuse':
      if (least !== undefined && plan.step === 'refuse' && plan.common >= least) return {action: 'ahead', ...nothing}
      throw rolloutsDiverged(session, path)
    case 'create':
    case 'replace': {
      if (dryRun) return {action: 'pulled', path, bytes: session.main.size, entries: 0}
      const source =
        least === undefined ? whole : {...whole, open: () => atLeast(readMain(tree, session), least, session)}
      return {action: 'pulled', path, ...(await writeWhole(target, path, source))}
    }
  }
}

function pathOf({rollout, uri}: ForeignSession): string {
  const parsed = rollout && parseRolloutName(rollout.name)
  if (!rollout || !parsed) throw new Error(`${uri} is listed as a rollout`)
  return rolloutPath(rollout.name, parsed)
}

/** A fork counts the bytes of what it rests on: a copy that was taken too early is none that it can go on from. */
async function* atLeast(
  chunks: AsyncIterable<Uint8Array>,
  least: number,
  {uri}: ForeignSession,
): AsyncIterable<Uint8Array> {
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.byteLength
    yield chunk
  }
  if (size >= least) return
  throw new RepriseError({
    kind: 'bad-data',
    code: 'ROLLOUT_DAMAGED',
    message: `${uri} holds ${size} bytes, and a fork of it begins behind byte ${least}`,
    suggestions: ['Copy it to the store again from the machine that has it.'],
    details: {uri, size, least},
  })
}

function rolloutsDiverged({sessionId, uri}: ForeignSession, path: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'SESSION_DIVERGED',
    message: `session ${sessionId} went on in two places: ${path} and ${uri} each have items that the other lacks`,
    suggestions: [
      `Go on in the one that is here: codex resume ${sessionId}`,
      'Restore the other into a home of its own: --to',
    ],
    details: {sessionId, path, uri},
  })
}
