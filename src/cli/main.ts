import {Config} from '@oclif/core/config'
import {run} from '@oclif/core/run'
import {fileURLToPath} from 'node:url'
import {type RepriseError, toRepriseError} from '../base/errors.js'
import {maskSecrets} from '../base/mask.js'
import {systemClock} from '../base/system.js'
import {sanitizeBlock} from '../view/sanitize.js'
import {ownDirectories} from './directories.js'
import {exitCodeOf} from './exit-codes.js'
import {bugReport, logBug, stackOf} from './failure.js'
import {failureJson, failureText, ownArguments, wantsJson} from './output.js'
import {isClosedPipe, writeOut} from './standard-output.js'
import {exitRequested, fromOclif, unknownCommand} from './usage-error.js'

/**
 * Runs the command line and ends the process. Errors of every origin are rendered here and nowhere else.
 * Handles that a library forgot must not keep a finished command alive, so the process is ended, not left to end.
 *
 * @param program `file:` URL in the package, from which oclif finds its package.json.
 */
export async function main(argv: readonly string[], program: string): Promise<never> {
  const config = await Config.load(fileURLToPath(program))
  let exitCode: number
  try {
    await run([...argv], config)
    exitCode = Number(process.exitCode ?? 0)
  } catch (error) {
    exitCode = await fail(error, argv, config)
  }
  await writeOut(process.stdout, '')
  await writeOut(process.stderr, '')
  process.exit(exitCode)
}

async function fail(error: unknown, argv: readonly string[], config: Config): Promise<number> {
  const requested = exitRequested(error)
  if (requested !== undefined) return requested
  if (isClosedPipe(error)) return 0
  const failure = await describe(error, argv, config)
  const json = wantsJson(argv, process.env['REPRISE_JSON'])
  if (json) await writeOut(process.stdout, failureJson(failure, maskSecrets))
  else await writeOut(process.stderr, maskSecrets(failureText(failure)))
  const ours = ownArguments(argv)
  if (ours.includes('--verbose') || ours.includes('-v'))
    await writeOut(process.stderr, maskSecrets(`${sanitizeBlock(stackOf(error))}\n`))
  const exitCode = failure.details['exitCode']
  return typeof exitCode === 'number' ? exitCode : exitCodeOf(failure.kind)
}

async function describe(error: unknown, argv: readonly string[], config: Config): Promise<RepriseError> {
  const usage = unknownCommand(error, config) ?? fromOclif(error, argv, config)
  if (usage !== undefined) return usage
  const failure = toRepriseError(error)
  if (failure.kind !== 'bug') return failure
  const {state} = ownDirectories(config, process.env)
  const command = argv[0] ?? ''
  const log = await logBug(error, {stateDirectory: state, now: systemClock.now(), command, mask: maskSecrets})
  return bugReport(failure, log)
}
