import {run} from '@oclif/core/run'
import {fileURLToPath} from 'node:url'
import {loadConfig} from './load-config.js'
import {writeOut} from './standard-output.js'

/**
 * Runs the command line and ends the process. Handles that a library forgot must not keep a finished command alive, so the
 * process is ended, not left to end.
 *
 * @param root `file:` URL of the package's directory.
 */
export async function main(argv: readonly string[], root: URL): Promise<never> {
  const config = await loadConfig(argv, fileURLToPath(root))
  let exitCode: number
  try {
    await run([...argv], config)
    exitCode = Number(process.exitCode ?? 0)
  } catch (error) {
    // What describes a failure is loaded when there is one.
    const {renderFailure} = await import('./render-failure.js')
    exitCode = await renderFailure(error, argv, config)
  }
  await writeOut(process.stdout, '')
  await writeOut(process.stderr, '')
  process.exit(exitCode)
}
