import {kindOf} from './entries.js'

/**
 * @typedef {object} Call
 * @property {string} process
 * @property {number} number
 * @property {string} transcript
 * @property {boolean} leased
 * @property {string[]} names
 * @property {number} sentAt
 * @property {number} [acknowledgedAt]
 * @property {number} [epoch]
 *
 * @typedef {object} Transcript what the journals say of one
 * @property {Call[]} calls as they were sent
 * @property {Map<string, number>} sent how often each entry was
 * @property {Set<string>} acknowledged
 */

/** What all processes have sent and were told, from their journals. */
export class History {
  /** @type {Map<string, Transcript>} */
  transcripts = new Map()
  /** @type {string[]} what a process found by itself */
  violations = []
  /** @type {Map<string, number>} how often appends were rejected, by code */
  rejections = new Map()
  /** @type {Map<string, Call>} */
  #calls = new Map()

  /**
   * @param {string} process
   * @param {import('./journal.js').JournalRecord} record
   */
  add(process, record) {
    switch (record.type) {
      case 'sent':
        this.#send(process, record)
        break
      case 'acknowledged': {
        const call = this.#call(process, record.call)
        call.acknowledgedAt = record.at
        if (record.epoch !== undefined) call.epoch = record.epoch
        for (const name of call.names) this.transcript(call.transcript).acknowledged.add(name)
        break
      }
      case 'rejected':
        this.rejections.set(record.code, (this.rejections.get(record.code) ?? 0) + 1)
        break
      case 'violation':
        this.violations.push(`${process}: ${record.text}`)
        break
      case 'note':
        break
    }
  }

  /**
   * @param {string} name
   * @returns {Transcript}
   */
  transcript(name) {
    const known = this.transcripts.get(name)
    if (known) return known
    const made = {calls: [], sent: new Map(), acknowledged: new Set()}
    this.transcripts.set(name, made)
    return made
  }

  get totals() {
    const all = [...this.transcripts.values()]
    const sum = (count) => all.reduce((total, each) => total + count(each), 0)
    return {
      calls: sum(({calls}) => calls.length),
      entries: sum(({sent}) => sent.size),
      acknowledged: sum(({acknowledged}) => acknowledged.size),
    }
  }

  /**
   * @param {string} process
   * @param {import('./journal.js').Sent & {at: number}} record
   */
  #send(process, {call: number, transcript, leased, names, at: sentAt}) {
    const call = {process, number, transcript, leased, names, sentAt}
    this.#calls.set(`${process} ${number}`, call)
    const {calls, sent} = this.transcript(transcript)
    calls.push(call)
    for (const name of names) sent.set(name, (sent.get(name) ?? 0) + 1)
  }

  /**
   * @param {string} process
   * @param {number} number
   */
  #call(process, number) {
    const call = this.#calls.get(`${process} ${number}`)
    if (!call) throw new Error(`the journal of ${process} has an answer to call ${number}, which it never sent`)
    return call
  }
}

/**
 * What a reader may be given at any time.
 *
 * @param {Transcript} transcript read from the journals after `delivered` was
 * @param {Iterable<string>} acknowledged before the reading of `delivered` began
 * @param {readonly string[]} delivered names of entries, in order
 * @returns {string[]} violations
 */
export function checkDelivery({sent}, acknowledged, delivered) {
  const found = []
  /** @type {Map<string, number>} */
  const counts = new Map()
  for (const name of delivered) counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const name of acknowledged) if (!counts.has(name)) found.push(`lost: ${name} was acknowledged`)
  for (const [name, count] of counts) {
    const most = kindOf(name) === 'id' ? Math.min(sent.get(name) ?? 0, 1) : (sent.get(name) ?? 0)
    if (most === 0) found.push(`unknown: ${name} was never sent there`)
    else if (count > most) found.push(`repeated: ${name} is given ${count} times and was to be ${most} times`)
  }
  return found
}

/**
 * What one session store was told to be stored stands in the order in which it was sent, with a lease and without: a fork comes after what
 * it went on from. A process has one store of each kind; what one of them has stored the other has not seen.
 *
 * @param {Transcript} transcript
 * @param {readonly string[]} delivered
 */
export function checkOrder({calls, sent}, delivered) {
  const found = []
  const places = placesOf(delivered)
  /** @type {Map<string, string>} the last entry of each session store */
  const last = new Map()
  for (const {process, leased, names, acknowledgedAt} of calls) {
    if (acknowledgedAt === undefined) continue
    const writer = `${process} ${leased}`
    for (const name of names) {
      const place = places.get(name)
      // What was sent twice may stand where the first try left it; metadata stands outside the chain.
      if (place === undefined || sent.get(name) !== 1 || kindOf(name) === 'metadata') continue
      const before = last.get(writer)
      if (before !== undefined && (places.get(before) ?? 0) > place)
        found.push(`order: ${name} stands before ${before}`)
      last.set(writer, name)
    }
  }
  return found
}

/**
 * Leases follow one another: nothing that was acknowledged under an earlier one stands behind what was under a later one, and nothing was
 * begun under an earlier one after a later one had acknowledged something.
 *
 * @param {Transcript} transcript
 * @param {readonly string[]} delivered
 */
export function checkEpochs({calls, sent}, delivered) {
  const found = []
  const places = placesOf(delivered)
  const leased = calls.filter(({epoch, acknowledgedAt}) => epoch !== undefined && acknowledgedAt !== undefined)
  const standing = leased
    .flatMap(({names, epoch = 0}) => names.map((name) => ({name, epoch, place: places.get(name) ?? -1})))
    .filter(({name, place}) => place >= 0 && sent.get(name) === 1 && kindOf(name) !== 'metadata')
    .toSorted((a, b) => a.place - b.place)
  for (const [index, {name, epoch}] of standing.entries()) {
    const before = standing[index - 1]
    if (before && before.epoch > epoch) {
      found.push(`epochs: ${name} (epoch ${epoch}) stands behind ${before.name} (epoch ${before.epoch})`)
    }
  }
  const byEpoch = leased.toSorted((a, b) => (a.epoch ?? 0) - (b.epoch ?? 0))
  let soonest = Number.POSITIVE_INFINITY
  for (let index = byEpoch.length - 1, later = index; index >= 0; index--) {
    const call = byEpoch[index]
    for (; later > index && (byEpoch[later].epoch ?? 0) > (call.epoch ?? 0); later--) {
      soonest = Math.min(soonest, byEpoch[later].acknowledgedAt ?? soonest)
    }
    if (call.sentAt > soonest) {
      found.push(
        `two writers: call ${call.number} of ${call.process} was begun and acknowledged under epoch ${call.epoch} ` +
          `${Math.round(call.sentAt - soonest)} ms after a later epoch had acknowledged`,
      )
    }
  }
  return found
}

/** @param {readonly string[]} delivered */
function placesOf(delivered) {
  /** @type {Map<string, number>} */
  const places = new Map()
  for (const [place, name] of delivered.entries()) if (!places.has(name)) places.set(name, place)
  return places
}
