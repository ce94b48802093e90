import {RepriseError} from '../base/errors.js'
import {readLines} from '../transcript/lines.js'
import {addRolloutLine, emptyRolloutSummary, type RolloutBase} from '../transcript/codex/rollout-summary.js'
import type {ForeignSession} from './foreign-session.js'
import {readHead} from './read-transcript.js'
import type {Tree} from './tree.js'

/** The first line of a rollout holds Codex's instructions to the model. */
const LONGEST_FIRST_LINE = 8 * 1024 * 1024
const MOST_ANCESTORS = 1000

/** A session of Codex, and where it is read from. */
export interface Rollout {
  readonly tree: Tree
  readonly session: ForeignSession
}

/** A rollout that a fork rests on. */
export interface Ancestor extends Rollout {
  /** How much of it belongs to the fork, from its first byte on. */
  readonly bytes: number
}

/**
 * The rollouts that a fork rests on, the oldest first; none for a session that is no fork.
 *
 * @param find the session with that id, nearest to the one that names it; `here` where it needs not be looked for any further.
 * @throws ANCESTOR_MISSING; ROLLOUT_DAMAGED for forks that go round in a circle.
 */
export async function ancestorsOf(
  rollout: Rollout,
  find: (base: RolloutBase) => Promise<Rollout | 'here' | undefined>,
): Promise<readonly Ancestor[]> {
  const ancestors: Ancestor[] = []
  const seen = new Set([rollout.session.sessionId])
  for (let at = rollout; ;) {
    const base = at.session.agent === 'codex' ? await baseOf(at) : undefined
    if (!base) return ancestors
    const found = await find(base)
    if (found === 'here') return ancestors
    if (!found) throw missing(at.session, base)
    if (seen.has(base.sessionId) || seen.size > MOST_ANCESTORS) throw circle(rollout.session)
    seen.add(base.sessionId)
    ancestors.unshift({...found, bytes: base.bytes})
    at = found
  }
}

/** What the first line of a rollout says that it rests on. */
async function baseOf({tree, session}: Rollout): Promise<RolloutBase | undefined> {
  const lines = readLines(readHead(tree, session, LONGEST_FIRST_LINE), {onTooLong: 'report'})
  for await (const line of lines) return addRolloutLine(emptyRolloutSummary, line).base
  return undefined
}

function missing({uri, sessionId}: ForeignSession, base: RolloutBase): RepriseError {
  return new RepriseError({
    kind: 'not-found',
    code: 'ANCESTOR_MISSING',
    message: `session ${sessionId} is a fork of ${base.sessionId}, which is not there: Codex cannot resume it without`,
    suggestions: [
      'Copy that session to the store, too, from the machine that has it.',
      'Name its store as well: --store',
    ],
    details: {sessionId, uri, ancestor: base.sessionId},
  })
}

function circle({sessionId, uri}: ForeignSession): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'ROLLOUT_DAMAGED',
    message: `${uri} is a fork that goes back to itself, or over more sessions than anybody forks`,
    suggestions: ['Copy it to the store again from the machine that has it.'],
    details: {sessionId, uri},
  })
}
