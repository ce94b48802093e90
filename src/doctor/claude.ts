import type {Found} from './finding.js'
import type {DoctorCheck} from './patient.js'
import {isAtLeast} from './version.js'

/** The first that finds a session under any project key. */
const FINDS_ANYWHERE = '2.1.223'

export const claudeCheck: DoctorCheck = {
  name: 'claude',
  needsStore: false,
  look: async ({facts: {claude}}) => ['missing' in claude ? missing(claude.missing) : versioned(claude)],
}

function missing(why: string): Found {
  return {
    code: 'claude-missing',
    severity: 'warning',
    what: why,
    means: 'push, pull and ls work; resume and run have nothing to start',
    mend: 'Install Claude Code, or name it: --claude-bin /path/to/claude',
  }
}

function versioned({path, version}: {readonly path: string; readonly version: string | undefined}): Found {
  if (version === undefined) {
    return {
      code: 'claude-not-running',
      severity: 'warning',
      subject: path,
      what: 'claude does not say its version',
      means: 'resume and run may not be able to start it',
      mend: `${path} --version`,
    }
  }
  const what = `claude ${version}`
  if (isAtLeast(version, FINDS_ANYWHERE)) {
    const means =
      'finds a session under any directory; a copy under the current one wins, which is where reprise puts it'
    return {code: 'claude', severity: 'note', subject: path, what, means}
  }
  return {
    code: 'claude-finds-here-only',
    severity: 'note',
    subject: path,
    what,
    means: `before ${FINDS_ANYWHERE} it resumes sessions of the current directory alone ("No conversation found" else); reprise resume puts them there`,
    mend: 'Resume by reprise resume, or update claude: claude update',
  }
}
