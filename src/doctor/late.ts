import {OWN_PREFIX} from '../store/names.js'
import type {DoctorCheck} from './patient.js'

const LATE_PREFIX = `${OWN_PREFIX}late/`

/** What workers sent after their lease was gone, moved aside by a sweep. */
export const lateCheck: DoctorCheck = {
  name: 'late parts',
  needsStore: true,
  async look({survey}) {
    const {objects} = await survey.below(LATE_PREFIX)
    const sessions = new Map<string, number>()
    for (const {key} of objects) {
      const sessionId = key.slice(LATE_PREFIX.length).split('/', 1)[0] ?? ''
      sessions.set(sessionId, (sessions.get(sessionId) ?? 0) + 1)
    }
    return [...sessions].map(([sessionId, count]) => ({
      code: 'late-parts',
      severity: 'warning',
      subject: sessionId,
      what: `${count} parts of a worker that had lost the session lie in ${LATE_PREFIX}${sessionId}/`,
      means: 'their lines are no part of the session; that worker was told so and kept its local file',
      mend: `On the machine that wrote them: reprise push ${sessionId} --fork. Delete them when nobody misses anything.`,
    }))
  },
}
