import {type RepriseError, toRepriseError} from '../base/errors.js'
import {maskSecrets} from '../base/mask.js'
import {systemClock} from '../base/system.js'
import {sanitizeBlock} from '../view/sanitize.js'
import {ownDirectories} from './directories.js'
import {exitCodeOf} from './exit-codes.js'
import {bugReport, logBug, stackOf} from './failure.js'
import {failureJson, failureText, ownArguments, wantsJson} from './output.js'
import type {Program} from './find-program.js'
import {isClosedPipe, writeOut} from './standard-output.js'
import {exitRequested, fromOclif, unknownCommand} from './usage-error.js'

/**
 * Prints what went wrong, for people or, with `--json`, in the envelope. Errors of every origin come through here, once.
 *
 * @returns the exit code. What is no failure (a reader that is gone, an exit that was asked for) prints nothing.
 */
export async function renderFailure(error: unknown, argv: readonly string[], program: Program): Promise<number> {
  const requested = exitRequested(error)
  if (requested !== undefined) return requested
  if (isClosedPipe(error)) return 0
  const failure = await describe(error, argv, program)
  const json = wantsJson(argv, process.env['REPRISE_JSON'])
  if (json) await writeOut(process.stdout, failureJson(failure, maskSecrets))
  else await writeOut(process.stderr, maskSecrets(failureText(failure)))
  const ours = ownArguments(argv)
  if (ours.includes('--verbose') || ours.includes('-v'))
    await writeOut(process.stderr, maskSecrets(`${sanitizeBlock(stackOf(error))}\n`))
  const exitCode = failure.details['exitCode']
  return typeof exitCode === 'number' ? exitCode : exitCodeOf(failure.kind)
}

async function describe(error: unknown, argv: readonly string[], program: Program): Promise<RepriseError> {
  const usage = unknownCommand(error, program) ?? fromOclif(error, argv, program)
  if (usage !== undefined) return usage
  const failure = toRepriseError(error)
  if (failure.kind !== 'bug') return failure
  const {state} = ownDirectories(process.env)
  const command = argv[0] ?? ''
  const log = await logBug(error, {stateDirectory: state, now: systemClock.now(), command, mask: maskSecrets})
  return bugReport(failure, log)
}
