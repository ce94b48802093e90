import type {LaunchPlan} from './plan.js'
import {quote} from './shell-quote.js'

/** What `resume --print` shows instead of starting it. */
export interface PrintedPlan {
  readonly sessionId: string
  readonly cwd: string
  /** The local transcript. */
  readonly path: string
  readonly argv: readonly string[]
  /** Variables beyond those of the caller. */
  readonly env: Readonly<Record<string, string>>
  /** Variables of the caller that claude must not inherit. */
  readonly unset?: readonly string[]
}

export function printPlan({sessionId, cwd, argv, env, unset}: LaunchPlan, path: string): PrintedPlan {
  return {sessionId, cwd, path, argv, env, ...(unset && {unset})}
}

/** One line of POSIX shell that does what the plan says, for `eval "$(reprise resume … --print --shell)"` and for people. */
export function planAsShell({cwd, argv, env, unset = []}: LaunchPlan): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quote(value)}`)
  // A variable that is empty is not one that is not there: env takes them out.
  const scrubbed = unset.length === 0 ? [] : ['env', ...unset.map((name) => `-u ${quote(name)}`)]
  const command = [...scrubbed, ...variables, ...argv.map(quote)].join(' ')
  const line = `cd ${quote(cwd)} && ${command}`
  const needsNewline = [cwd, ...argv, ...Object.values(env)].some((text) => text.includes('\n'))
  return needsNewline ? `nl=$(printf '\\n.') && nl=\${nl%.} && ${line}` : line
}
