// Loads sessions at random: what was acknowledged before a reading began is in it, and nothing twice.
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {checkDelivery, History} from './history.js'
import {Journal, JournalReader} from './journal.js'
import {Random} from './random.js'
import {keysOf, sessionIds, transcriptName} from './sessions.js'
import {untilTold} from './until-told.js'
import {openSessionStore, setting} from './world.js'

const PAUSE_MS = 100
const UNLUCKY = new Set([
  'STORE_UNREACHABLE',
  'STORE_THROTTLED',
  'STORE_CONFLICT',
  'OBJECT_NOT_FOUND',
  'TRANSCRIPT_BUSY',
])

const random = new Random(setting.seed)
const journal = new Journal(join(setting.journals, `${setting.process}.jsonl`))
const told = untilTold()
const history = new History()
const journals = new JournalReader(setting.journals)
process.send?.('ready')

while (!told.aborted) {
  await look(random.pick(keysOf(random.pick(sessionIds(setting))))).catch((error) => {
    if (!UNLUCKY.has(error.code)) journal.write({type: 'violation', text: `load: ${error.stack}`})
  })
  await sleep(random.int(0, PAUSE_MS))
}
process.exit(0)

async function look(key) {
  // Every time with a new eye.
  const name = transcriptName(key)
  const store = openSessionStore()
  follow()
  const acknowledged = [...history.transcript(name).acknowledged]
  const delivered = ((await store.load(key).finally(async () => store.close())) ?? []).map((entry) => entry.name)
  follow()
  for (const text of checkDelivery(history.transcript(name), acknowledged, delivered)) {
    journal.write({type: 'violation', text: `${name} as loaded: ${text}`})
  }
}

function follow() {
  for (const {process, record} of journals.next()) history.add(process, record)
}
