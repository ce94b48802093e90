import {fileURLToPath} from 'node:url'
import {findProgram} from './find-program.js'
import {writeOut} from './standard-output.js'

/**
 * Runs the command line and ends the process. Handles that a library forgot must not keep a finished command alive, so the
 * process is ended, not left to end.
 *
 * @param root `file:` URL of the package's directory.
 */
export async function main(argv: readonly string[], root: URL): Promise<never> {
  const program = await findProgram(argv, fileURLToPath(root))
  let exitCode: number
  try {
    await program.run()
    exitCode = Number(process.exitCode ?? 0)
  } catch (error) {
    // What describes a failure is loaded when there is one.
    const {renderFailure} = await import('./render-failure.js')
    exitCode = await renderFailure(error, argv, program)
  }
  await writeOut(process.stdout, '')
  await writeOut(process.stderr, '')
  process.exit(exitCode)
}
