import {RepriseError} from '../base/errors.js'
import {checkedSessionId, type LaunchPlan} from './plan.js'

export interface CodexPlanOptions {
  /** Absolute path of the program (`findCodex`). */
  readonly program: string
  readonly cwd: string
  /** What the user wrote behind `--`; `exec` as the first one goes on without a terminal. */
  readonly args: readonly string[]
  readonly unset?: readonly string[] | undefined
}

const REFUSED: ReadonlyMap<string, string> = new Map([
  ['--last', 'it opens another session where that one is not found'],
  ['--remote', 'the session would not be written on this machine'],
])

/**
 * How to go on in a session of Codex, always by its id: without one Codex begins another, and says that all is well.
 *
 * @param verb `fork` goes on in a copy, whose id Codex chooses.
 * @throws CODEX_ARGUMENT_REFUSED for what contradicts that; SESSION_ID_INVALID for an id that is no UUID.
 */
export function planCodex(
  sessionId: string,
  verb: 'resume' | 'fork',
  {program, cwd, args, unset = []}: CodexPlanOptions,
): LaunchPlan {
  const id = checkedSessionId(sessionId)
  refuseContradictions(args)
  const [first, ...rest] = args
  const start = first === 'exec' ? ['exec', verb, id, ...rest] : [verb, id, ...args]
  return {sessionId: id, argv: [program, ...start], env: {}, ...(unset.length > 0 && {unset}), cwd}
}

function refuseContradictions(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return
    const [name = ''] = arg.split('=', 1)
    const reason = REFUSED.get(name)
    if (reason === undefined) continue
    throw new RepriseError({
      kind: 'usage',
      code: 'CODEX_ARGUMENT_REFUSED',
      message: `${name} cannot be given to codex here: ${reason}.`,
      suggestions: [`Leave ${name} out, or start codex itself.`],
    })
  }
}
