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
}

export function printPlan({sessionId, cwd, argv, env}: LaunchPlan, path: string): PrintedPlan {
  return {sessionId, cwd, path, argv, env}
}

/** One line of POSIX shell that does what the plan says, for `eval "$(reprise resume … --print --shell)"` and for people. */
export function planAsShell({cwd, argv, env}: LaunchPlan): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quote(value)}`)
  const command = [...variables, ...argv.map(quote)].join(' ')
  const line = `cd ${quote(cwd)} && ${command}`
  const needsNewline = [cwd, ...argv, ...Object.values(env)].some((text) => text.includes('\n'))
  return needsNewline ? `nl=$(printf '\\n.') && nl=\${nl%.} && ${line}` : line
}
