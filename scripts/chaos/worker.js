// A machine that runs agents: takes sessions at random, reads them, appends to them, and gives them back.
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {entryName, entryOf, kindOf} from './entries.js'
import {Journal, readJournal} from './journal.js'
import {Random} from './random.js'
import {keysOf, sessionIds, sessionKind, transcriptName} from './sessions.js'
import {untilTold} from './until-told.js'
import {openSessionStore, setting} from './world.js'

const LANES = 4
const PAUSE_MS = 150
/** What faults, leases and the end of a run make of an append. Anything else is a defect. */
const EXPECTED = new Set([
  'LEASE_HELD',
  'LEASE_LOST',
  'LEASE_CONTENDED',
  'STORE_UNREACHABLE',
  'STORE_THROTTLED',
  'STORE_CONFLICT',
  'SESSION_STORE_CLOSED',
  'OBJECT_NOT_FOUND',
  'OBJECT_CHANGED',
  'TRANSCRIPT_BUSY',
])

const random = new Random(setting.seed)
const journal = new Journal(join(setting.journals, `${setting.process}.jsonl`))
const told = untilTold()
const busy = new Set()
/** The epoch of the lease that this process holds, or held last, by session. */
const epochs = new Map()
let entries = 0
let calls = 0

const stores = {
  leased: openSessionStore((sessionId, {epoch}) => {
    epochs.set(sessionId, epoch)
    journal.write({type: 'note', sessionId, text: `takes ${sessionId} with epoch ${epoch}`})
  }),
  open: openSessionStore(),
}
// The first request is slow: a client is made and its code loaded.
await stores.open.listSubkeys(keysOf('none')[0]).catch(() => undefined)
process.send?.('ready')
await replayLost()
await Promise.all(Array.from({length: LANES}, async () => lane()))
await Promise.all([stores.leased, stores.open].map(async (store) => store.close({timeoutMs: 3_000 * setting.rate})))
process.exit(0)

async function lane() {
  while (!told.aborted) {
    const free = sessionIds(setting).filter((id) => !busy.has(id))
    const sessionId = random.pick(free)
    busy.add(sessionId)
    await stint(sessionId).catch((error) => report('a session was left', error))
    busy.delete(sessionId)
  }
}

/** One turn at a session. */
async function stint(sessionId) {
  const kind = sessionKind(sessionId)
  const isLeased = kind === 'leased' || (kind === 'mixed' && random.chance(0.5))
  const store = isLeased ? stores.leased : stores.open
  const keys = keysOf(sessionId).filter((key, index) => index === 0 || random.chance(0.3))
  for (const key of keys) await store.load(key)
  const pending = []
  for (let batches = random.int(1, 8); batches > 0 && !told.aborted; batches--) {
    const key = random.chance(0.7) ? keys[0] : random.pick(keys)
    const appended = append(store, isLeased, key, newNames(key))
    pending.push(appended)
    // Now and then one is not awaited.
    if (random.chance(0.6) && !(await appended)) break
    if (random.chance(0.3)) await sleep(random.int(0, 60))
  }
  await Promise.all(pending)
  // Who does not give it back goes on renewing it.
  if (random.chance(0.8)) await store.release(sessionId)
}

/**
 * As the SDK does it: a batch that was rejected is tried again a few times.
 * @returns {Promise<boolean>} whether it was acknowledged
 */
async function append(store, isLeased, key, names) {
  for (let tries = 0; tries < 3 && !told.aborted; tries++) {
    const call = ++calls
    journal.write({type: 'sent', call, transcript: transcriptName(key), leased: isLeased, names})
    try {
      await store.append(key, names.map(entryOf))
      const epoch = isLeased ? {epoch: epochs.get(key.sessionId)} : {}
      journal.write({type: 'acknowledged', call, ...epoch})
      return true
    } catch (error) {
      report('append', error, call)
      if (error.code === 'LEASE_LOST') return false
      await sleep(random.int(PAUSE_MS / 2, PAUSE_MS * 2))
    }
  }
  return false
}

/** Whoever goes on after a crash sends again what it does not know to be stored. */
async function replayLost() {
  if (setting.predecessor === undefined) return
  const records = readJournal(join(setting.journals, `${setting.predecessor}.jsonl`))
  const answered = new Set(records.filter(({type}) => type === 'acknowledged').map(({call}) => call))
  const lost = records.filter((record) => record.type === 'sent' && !answered.has(record.call)).slice(-3)
  for (const {transcript, leased, names} of lost) {
    const ids = names.filter((name) => kindOf(name) === 'id')
    const [sessionId, ...rest] = transcript.split('/')
    const key = keysOf(sessionId).find(({subpath = ''}) => subpath === rest.join('/'))
    if (ids.length > 0) await append(leased ? stores.leased : stores.open, leased, key, ids)
  }
}

function newNames({subpath}) {
  return Array.from({length: random.int(1, 5)}, () => {
    const isMetadata = subpath !== undefined && random.chance(0.15)
    const kind = isMetadata ? 'metadata' : random.chance(0.7) ? 'id' : 'plain'
    return entryName(kind, setting.process, ++entries)
  })
}

function report(what, error, call) {
  const code = error.code ?? 'INTERNAL'
  if (call !== undefined) journal.write({type: 'rejected', call, code})
  if (!EXPECTED.has(code)) journal.write({type: 'violation', text: `${what}: ${error.stack}`})
}
