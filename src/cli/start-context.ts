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

export interface StartFlags {
  readonly task?: string | undefined
  readonly graceMs: number
  readonly withoutLease: boolean
  /** claude is not to inherit credentials of AWS. */
  readonly scrubAws?: boolean | undefined
}

export const scrubAwsFlag = boolean({summary: 'Keep the AWS credentials in the environment from claude.'})

export const writtenSecretsFlag = string({
  summary: 'Whether to say at the end what was stored that looks like a secret (default: warn).',
  helpValue: '<warn|off>',
})

/** What the commands that start a claude work with. @throws CLAUDE_NOT_FOUND, PLACEHOLDER_OPEN */
export async function openStart(runtime: Runtime, args: readonly string[], flags: StartFlags): Promise<StartContext> {
  const {settings, env, directories, signal} = runtime
  const {context, registry, processes, projectKey} = await openSync(runtime, {task: flags.task})
  const claude = await findClaude({
    bin: settings.claudeBin,
    path: env['PATH'],
    cwd: settings.cwd,
    workingDirectory: process.cwd(),
  })
  // Claude has stdout, and a warning held back for an envelope would come too late.
  const inform = (line: string): void => {
    if (!settings.quiet) process.stderr.write(maskSecrets(`reprise: ${sanitizeLine(line)}\n`))
  }
  if (flags.scrubAws && usesBedrock(env)) inform(CUT_OFF)
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
    ...(flags.scrubAws && {unset: awsCredentialsIn(env)}),
    graceMs: flags.graceMs,
    withoutLease: flags.withoutLease,
    looksForSecrets: settings.secrets !== 'off',
    stateDirectory: join(directories.state, 'launch'),
    signal,
    handOverSignals: () => runtime.handOverSignals(),
    inform,
  }
}

const NOT_HELD_BACK =
  '--secrets block holds nothing back here: what claude writes is stored as it is written, and looked at when claude ends'
const CUT_OFF =
  'claude is to use Bedrock (CLAUDE_CODE_USE_BEDROCK), and --scrub-aws keeps the AWS credentials of this environment from it'
