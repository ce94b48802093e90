import {join} from 'node:path'
import {timePairs} from '../pairs.js'
import {makeSession, uuidOf} from '../transcripts.js'

const SESSIONS = 1_000
const PROJECTS = 10

/** @type {import('../row.js').Row} */
export const list = {
  name: 'list',
  title: 'ls --json of 1,000 sessions on the file store, against node -e 0',
  needs: ['push', 'ls'],
  async run({scratch, newWorker, say}) {
    const worker = newWorker('list', {REPRISE_STORE: join(scratch, 'file-store')})
    for (let at = 0; at < SESSIONS; at++) {
      makeSession(worker.place(uuidOf(`list ${at}`), `-project-${at % PROJECTS}`), 3_000)
    }
    say('first push of 1,000 sessions')
    await worker.reprise('push', '--all')
    const {stdout} = await worker.reprise('ls', '--json')
    const listed = JSON.parse(stdout).result
    const found = (Array.isArray(listed) ? listed : listed.sessions).length
    if (found !== SESSIONS) throw new Error(`ls shows ${found} of ${SESSIONS} sessions`)
    const empty = newWorker('list-empty', {REPRISE_STORE: join(scratch, 'empty-store')})
    return [
      {what: 'time of ls --json', atMost: 6, ...timePairs(worker, ['ls', '--json'], 11)},
      {what: 'the same, empty store', ...timePairs(empty, ['ls', '--json'], 11)},
    ]
  },
}
