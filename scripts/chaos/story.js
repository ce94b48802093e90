import {JournalReader} from './journal.js'

/**
 * What happened to one transcript, from the journals, in the order of time.
 *
 * @param {string} journals their directory
 * @param {string} transcript
 * @returns {string[]} lines
 */
export function storyOf(journals, transcript) {
  const [sessionId] = transcript.split('/')
  /** @type {{at: number, text: string}[]} */
  const steps = []
  /** @type {Set<string>} */
  const calls = new Set()
  for (const {process, record} of new JournalReader(journals).next()) {
    const text = stepOf(process, record)
    if (text !== undefined) steps.push({at: record.at, text: `${process} ${text}`})
  }
  const [first] = steps.toSorted((a, b) => a.at - b.at)
  return steps.toSorted((a, b) => a.at - b.at).map(({at, text}) => `${seconds(at - (first?.at ?? 0))} ${text}`)

  /**
   * @param {string} process
   * @param {import('./journal.js').JournalRecord} record
   */
  function stepOf(process, record) {
    if (record.type === 'note')
      return record.sessionId === undefined || record.sessionId === sessionId ? record.text : undefined
    if (record.type === 'violation') return undefined
    const call = `${process} ${record.call}`
    if (record.type === 'sent' && record.transcript === transcript) calls.add(call)
    if (!calls.has(call)) return undefined
    switch (record.type) {
      case 'sent':
        return `sends call ${record.call}${record.leased ? '' : ' without a lease'}: ${record.names.join(' ')}`
      case 'acknowledged':
        return `is told that call ${record.call} is stored${record.epoch === undefined ? '' : `, epoch ${record.epoch}`}`
      case 'rejected':
        return `is told that call ${record.call} failed: ${record.code}`
    }
  }
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1_000).toFixed(3).padStart(8)} s`
}
