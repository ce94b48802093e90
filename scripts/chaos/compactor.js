// Compacts transcripts at random, beside everyone and without a lease.
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {Journal} from './journal.js'
import {Random} from './random.js'
import {keysOf, refOf, sessionIds} from './sessions.js'
import {untilTold} from './until-told.js'
import {core, openStore, setting} from './world.js'

const PAUSE_MS = 100
const UNLUCKY = new Set([
  'STORE_UNREACHABLE',
  'STORE_THROTTLED',
  'STORE_CONFLICT',
  'OBJECT_NOT_FOUND',
  'TRANSCRIPT_BUSY',
  'OBJECT_CHANGED',
])

const random = new Random(setting.seed)
const journal = new Journal(join(setting.journals, `${setting.process}.jsonl`))
const told = untilTold()
const {compactTranscript, Parts} = core
const parts = new Parts(await openStore())
process.send?.('ready')

while (!told.aborted) {
  const key = random.pick(keysOf(random.pick(sessionIds(setting))))
  // All of its grace, or as one does who asks for none.
  const options = random.chance(0.5) ? {} : {grace: 0}
  await compactTranscript({parts, machine: setting.machine}, refOf(key), options).catch((error) => {
    if (!UNLUCKY.has(error.code)) journal.write({type: 'violation', text: `compaction: ${error.stack}`})
  })
  await sleep(random.int(0, PAUSE_MS))
}
process.exit(0)
