// The last holder: brings every session to one chain, compacts it, and says what readers are given before and after.
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {entryName, entryOf} from './entries.js'
import {Journal} from './journal.js'
import {keysOf, refOf, sessionIds, transcriptName} from './sessions.js'
import {core, openSessionStore, openStore, setting} from './world.js'

const AT_ONCE = 6

const journal = new Journal(join(setting.journals, `${setting.process}.jsonl`))
const {compactTranscript, Parts, viewTranscript} = core
const objects = await openStore()
const epochs = new Map()
const store = openSessionStore((sessionId, {epoch}) => void epochs.set(sessionId, epoch))
const found = {}
const waiting = sessionIds(setting)
let calls = 0

await Promise.all(Array.from({length: AT_ONCE}, async () => settleNext()))
await store.close()
writeFileSync(join(setting.journals, '..', 'settled.json'), JSON.stringify(found, undefined, 1))
process.exit(0)

async function settleNext() {
  for (let sessionId = waiting.shift(); sessionId !== undefined; sessionId = waiting.shift()) {
    for (const key of keysOf(sessionId)) await settle(key)
    await store.release(sessionId)
  }
}

async function settle(key) {
  const name = transcriptName(key)
  const before = await namesIn(key)
  await append(key, name)
  const settled = await namesIn(key)
  const defects = (await shapeOf(key)).map((text) => `as settled: ${text}`)
  const compacted = {parts: new Parts(objects), machine: setting.machine}
  // The second one finds the copies that the first one left.
  for (let times = 0; times < 2; times++) await compactTranscript(compacted, refOf(key), {grace: 0})
  defects.push(...(await shapeOf(key)).map((text) => `as compacted: ${text}`))
  found[name] = {before, settled, compacted: await namesIn(key), defects}
}

async function append(key, name) {
  const names = [entryName('id', setting.process, ++calls)]
  const call = calls
  journal.write({type: 'sent', call, transcript: name, leased: true, names})
  for (;;) {
    try {
      await store.append(key, names.map(entryOf))
      break
    } catch (error) {
      // Of one that was killed.
      if (error.code !== 'LEASE_HELD') throw error
      await sleep(100)
    }
  }
  journal.write({type: 'acknowledged', call, epoch: epochs.get(key.sessionId)})
}

async function namesIn(key) {
  const reader = openSessionStore()
  try {
    return ((await reader.load(key)) ?? []).map((entry) => entry.name)
  } finally {
    await reader.close()
  }
}

/** What is wrong with a transcript that its only writer has settled. */
async function shapeOf(key) {
  const {resolution, delivery, archived} = await viewTranscript(new Parts(objects), refOf(key), {journals: 'always'})
  const {forks, loose, slices} = resolution
  const defects = []
  if (!delivery.straight) defects.push('readers are given more than the chain')
  if (forks.length > 0) defects.push(`${forks.length} forks stand beside the chain`)
  if (loose.length > 0) defects.push(`${loose.length} loose parts stand beside the chain`)
  if (archived.length > 0) defects.push('a part of the chain is archived')
  for (const [index, {part}] of slices.entries()) {
    const previous = slices[index - 1]?.part
    if (previous && previous.range.epoch > part.range.epoch) {
      defects.push(`${part.name} (epoch ${part.range.epoch}) follows ${previous.name} (epoch ${previous.range.epoch})`)
    }
  }
  return defects
}
