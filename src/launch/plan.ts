import {RepriseError} from '../base/errors.js'
import {isSessionId} from '../transcript/session-id.js'
import {readFlags} from './claude-arguments.js'

/** What to start. Everything in it comes from this machine: its user, its configuration, and ids that were checked. */
export interface LaunchPlan {
  /** The session that claude will write. */
  readonly sessionId: string
  /** The program and its arguments. The program is an absolute path. */
  readonly argv: readonly [string, ...string[]]
  /** Variables beyond those that the child inherits. */
  readonly env: Readonly<Record<string, string>>
  /** Variables that the child does not inherit. */
  readonly unset?: readonly string[]
  /** Absolute. */
  readonly cwd: string
}

/**
 * - `resume` goes on in the session;
 * - `fork` copies it (from a transcript under the current cwd's key) into a new one;
 * - `run` begins a session whose id is known before its first message.
 */
export type Start =
  | {readonly type: 'resume'; readonly sessionId: string}
  | {readonly type: 'fork'; readonly sessionId: string; readonly newSessionId: string}
  | {readonly type: 'run'; readonly sessionId: string}

export interface PlanOptions {
  /** Absolute path of the program (`findClaude`). */
  readonly claude: string
  readonly cwd: string
  /** Given on the command line or in the user's own configuration; undefined leaves claude to what it inherits. */
  readonly configDir?: string | undefined
  /** What the user wrote behind `--`. */
  readonly args: readonly string[]
  /** Variables that claude must not inherit. */
  readonly unset?: readonly string[] | undefined
}

/** @throws CLAUDE_ARGUMENT_REFUSED for what contradicts the start; SESSION_ID_INVALID for an id that is no UUID. */
export function planLaunch(start: Start, {claude, cwd, configDir, args, unset = []}: PlanOptions): LaunchPlan {
  refuseContradictions(args)
  return {
    sessionId: start.type === 'fork' ? checkedSessionId(start.newSessionId) : checkedSessionId(start.sessionId),
    argv: [claude, ...startArguments(start), ...args],
    env: configDir === undefined ? {} : {CLAUDE_CONFIG_DIR: configDir},
    ...(unset.length > 0 && {unset}),
    cwd,
  }
}

function startArguments(start: Start): readonly string[] {
  switch (start.type) {
    case 'resume':
      return ['--resume', checkedSessionId(start.sessionId)]
    case 'fork':
      return [
        '--resume',
        checkedSessionId(start.sessionId),
        '--fork-session',
        '--session-id',
        checkedSessionId(start.newSessionId),
      ]
    case 'run':
      return ['--session-id', checkedSessionId(start.sessionId)]
  }
}

const OTHER_SESSION = 'reprise says which session claude opens: a second one would be written, but not stored'
const FORK = 'reprise must know the id of the new session before claude writes it: use reprise resume --fork'
const ELSEWHERE = 'the session would not be written on this machine'
const OTHER_PLACE = 'the transcript would lie under the key of another directory'

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['--resume', OTHER_SESSION],
  ['-r', OTHER_SESSION],
  ['--continue', OTHER_SESSION],
  ['-c', OTHER_SESSION],
  ['--session-id', OTHER_SESSION],
  ['--from-pr', OTHER_SESSION],
  ['--fork-session', FORK],
  ['--cloud', ELSEWHERE],
  ['--teleport', ELSEWHERE],
  ['--environment', ELSEWHERE],
  ['--desktop', ELSEWHERE],
  ['--bg', 'claude would go on in the background, after the session was given back'],
  ['--background', 'claude would go on in the background, after the session was given back'],
  ['--no-session-persistence', 'there would be nothing to store'],
  ['--worktree', OTHER_PLACE],
  ['-w', OTHER_PLACE],
])

function refuseContradictions(args: readonly string[]): void {
  for (const {name} of readFlags(args)) {
    const reason = REFUSED.get(name)
    if (reason === undefined) continue
    throw new RepriseError({
      kind: 'usage',
      code: 'CLAUDE_ARGUMENT_REFUSED',
      message: `${name} cannot be given to claude here: ${reason}.`,
      suggestions: [`Leave ${name} out, or start claude itself.`],
    })
  }
}

/** @throws SESSION_ID_INVALID for an id that is no UUID: what is no id could be a flag. */
export function checkedSessionId(sessionId: string): string {
  if (isSessionId(sessionId)) return sessionId
  throw new RepriseError({
    kind: 'usage',
    code: 'SESSION_ID_INVALID',
    message: `${JSON.stringify(sessionId.slice(0, 80))} is no session id.`,
    suggestions: ['A session id is a UUID: reprise ls --ids-only lists them.'],
  })
}
