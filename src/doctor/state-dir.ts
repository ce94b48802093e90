import {constants} from 'node:fs'
import {access, stat} from 'node:fs/promises'
import {dirname} from 'node:path'
import type {DoctorCheck} from './patient.js'

export const stateDirCheck: DoctorCheck = {
  name: 'state directory',
  needsStore: false,
  async look({facts: {stateDir}}) {
    const why = await whyUnusable(stateDir)
    if (why === undefined) return []
    return [
      {
        code: 'state-unwritable',
        severity: 'problem',
        subject: stateDir,
        what: `what runs find out cannot be kept: ${why}`,
        means: 'a push ends with exit code 5, or does its work anew each time',
        mend: 'Make that directory writable, or name another one: XDG_STATE_HOME',
      },
    ]
  },
}

/** Of the directory, or of the nearest above it that is there: it is made when it is needed. */
async function whyUnusable(path: string): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return 'it is no directory'
    await access(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const {code} = error as NodeJS.ErrnoException
    return code === 'ENOENT' && dirname(path) !== path ? whyUnusable(dirname(path)) : (code ?? String(error))
  }
}
