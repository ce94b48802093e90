import {string} from '@oclif/core/flags'
import writeFileAtomic from 'write-file-atomic'
import type {StartedSession} from '../launch/start-claude.js'
import {successJson} from './output.js'

export const resultFileFlag = string({
  summary: 'Write the result as JSON to this file: claude has stdout.',
  helpValue: '<file>',
})

/** Nothing goes to stdout, which was claude's; the exit code is that of the session. */
export async function presentStarted(started: StartedSession, resultFile: string | undefined): Promise<void> {
  if (resultFile !== undefined) await writeFileAtomic(resultFile, successJson(started, []), {mode: 0o600})
  process.exitCode = started.exitCode
}
