import {access, constants} from 'node:fs/promises'
import {dirname, resolve} from 'node:path'
import {string} from '@oclif/core/flags'
import writeFileAtomic from 'write-file-atomic'
import {RepriseError} from '../base/errors.js'
import type {StartedSession} from '../launch/start-claude.js'
import {successJson} from './output.js'

export const resultFileFlag = string({
  summary: 'Write the result as JSON to this file: claude has stdout.',
  helpValue: '<file>',
})

/** Before claude is started: afterwards it would be too late to say so. @throws RESULT_FILE_UNWRITABLE */
export async function checkResultFile(resultFile: string | undefined): Promise<void> {
  if (resultFile === undefined) return
  await access(dirname(resolve(resultFile)), constants.W_OK).catch((error: unknown) => {
    throw unwritable(resultFile, error)
  })
}

/** Nothing goes to stdout, which was claude's; the exit code is that of the session. @throws RESULT_FILE_UNWRITABLE */
export async function presentStarted(started: StartedSession, resultFile: string | undefined): Promise<void> {
  process.exitCode = started.exitCode
  if (resultFile === undefined) return
  await writeFileAtomic(resultFile, successJson(started, []), {mode: 0o600}).catch((error: unknown) => {
    throw unwritable(resultFile, error, started.exitCode)
  })
}

function unwritable(resultFile: string, cause: unknown, exitCode = 0): RepriseError {
  return new RepriseError({
    kind: 'permission',
    code: 'RESULT_FILE_UNWRITABLE',
    message: `--result-file ${resultFile} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    suggestions: ['Name a file in a directory that exists and is yours.'],
    cause,
    details: exitCode === 0 ? {} : {exitCode},
  })
}
