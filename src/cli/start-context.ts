import {join} from 'node:path'
import {boolean, string} from '@oclif/core/flags'
import {toRepriseError} from '../base/errors.js'
import {maskSecrets} from '../base/mask.js'
import {awsCredentialsIn, usesBedrock} from '../launch/aws-credentials.js'
import {findClaude} from '../launch/find-claude.js'
import type {StartContext} from '../launch/start-claude.js'
import type {Runtime} from './runtime.js'
import {sanitizeLine} from '../view/sanitize.js'
import {forgiving} from '../sync/sync-state.js'
import {openSync} from './sync-context.js'
import {parseWait} from './duration.js'
import {resultFileFlag} from './launch-result.js'
import {metricsFlags} from './observation.js'
import {compactAtFlag, maxBytesFlag} from './session-flags.js'

export interface StartFlags {
  readonly 'no-lease': boolean
  readonly grace: string
  readonly 'scrub-aws': boolean
}

/** Of the commands that start a claude. */
export const startFlags = {
  'no-lease': boolean({summary: 'For stores that cannot keep one: nobody else may write the session.'}),
  grace: string({summary: 'Time to store the rest after SIGTERM.', default: '8s', helpValue: '<duration>'}),
  secrets: string({
    summary: 'Whether to say at the end what was stored that looks like a secret (default: warn).',
    helpValue: '<warn|off>',
  }),
  'compact-at': compactAtFlag,
  'max-bytes': maxBytesFlag,
  'scrub-aws': boolean({summary: 'Keep the AWS credentials in the environment from claude.'}),
  ...metricsFlags,
  'result-file': resultFileFlag,
}

/**
 * What the commands that start a claude work with.
 *
 * @param task the value of `{task}` in the store's URL.
 * @throws CLAUDE_NOT_FOUND, PLACEHOLDER_OPEN, DURATION_INVALID
 */
export async function openStart(
  runtime: Runtime,
  args: readonly string[],
  task: string | undefined,
  flags: StartFlags,
): Promise<StartContext> {
  const graceMs = parseWait(flags.grace, '--grace')
  const scrubs = flags['scrub-aws']
  const {settings, env, directories, signal} = runtime
  // What is remembered of a config dir hangs on it: claude's first start must not make another one of it.
  const {context, registry, processes, projectKey} = await openSync(runtime, {task, makeConfigDir: true})
  const claude = await findClaude({
    bin: settings.claudeBin,
    path: env['PATH'],
    cwd: settings.cwd,
    workingDirectory: process.cwd(),
  })
  const inform = informer(runtime)
  if (scrubs && usesBedrock(env)) inform(CUT_OFF)
  if (settings.secrets === 'block') inform(NOT_HELD_BACK)
  return {
    sync: {...context, state: forgiving(context.state, (error) => inform(toRepriseError(error).message))},
    registry,
    processes,
    projectKey,
    claude,
    cwd: settings.cwd,
    configDir: settings.configDir,
    args,
    env,
    ...(scrubs && {unset: awsCredentialsIn(env)}),
    graceMs,
    withoutLease: flags['no-lease'],
    looksForSecrets: settings.secrets !== 'off',
    stateDirectory: join(directories.state, 'launch'),
    signal,
    handOverSignals: () => runtime.handOverSignals(),
    inform,
  }
}

/** One line on stderr: the agent has stdout, and a warning held back for an envelope would come too late. */
export function informer({settings}: Pick<Runtime, 'settings'>): (line: string) => void {
  return (line) => {
    if (!settings.quiet) process.stderr.write(maskSecrets(`reprise: ${sanitizeLine(line)}\n`))
  }
}

const NOT_HELD_BACK =
  '--secrets block holds nothing back here: what claude writes is stored as it is written, and looked at when claude ends'
const CUT_OFF =
  'claude is to use Bedrock (CLAUDE_CODE_USE_BEDROCK), and --scrub-aws keeps the AWS credentials of this environment from it'
