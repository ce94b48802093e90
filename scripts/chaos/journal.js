import {closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, readSync, writeSync} from 'node:fs'
import {basename, join} from 'node:path'

/**
 * What a process was about to do and what it was told, on disk before it goes on. Times are of the machine's monotonic clock (ms),
 * which all processes of a run share and no wrong clock touches.
 *
 * @typedef {object} Sent
 * @property {'sent'} type
 * @property {number} call
 * @property {string} transcript
 * @property {boolean} leased
 * @property {string[]} names
 *
 * @typedef {object} Acknowledged
 * @property {'acknowledged'} type
 * @property {number} call
 * @property {number} [epoch] of the lease that it was acknowledged under, when that was taken
 *
 * @typedef {object} Rejected
 * @property {'rejected'} type
 * @property {number} call
 * @property {string} code
 *
 * @typedef {object} Note whatever else happened
 * @property {'note'} type
 * @property {string} text
 * @property {string} [sessionId] which it is about
 *
 * @typedef {object} Violation
 * @property {'violation'} type
 * @property {string} text
 *
 * @typedef {(Sent | Acknowledged | Rejected | Note | Violation) & {at: number}} JournalRecord
 */

export function monotonicMs() {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

export class Journal {
  #file

  /** @param {string} path */
  constructor(path) {
    this.#file = openSync(path, 'a')
  }

  /**
   * @param {Sent | Acknowledged | Rejected | Note | Violation} record
   */
  write(record) {
    writeSync(this.#file, `${JSON.stringify({...record, at: monotonicMs()})}\n`)
    fsyncSync(this.#file)
  }
}

/** Follows the journals of all processes as they grow. */
export class JournalReader {
  #directory
  /** @type {Map<string, {offset: number, rest: string}>} */
  #known = new Map()

  /** @param {string} directory */
  constructor(directory) {
    this.#directory = directory
  }

  /**
   * What was written since the last call.
   * @returns {Generator<{process: string, record: JournalRecord}>}
   */
  *next() {
    for (const name of readdirSync(this.#directory).toSorted()) {
      const known = this.#known.get(name) ?? {offset: 0, rest: ''}
      this.#known.set(name, known)
      const lines = (known.rest + readFrom(join(this.#directory, name), known)).split('\n')
      // A process that was killed may have left half a line.
      known.rest = lines.pop() ?? ''
      for (const line of lines) yield {process: basename(name, '.jsonl'), record: JSON.parse(line)}
    }
  }
}

/**
 * @param {string} path
 * @returns {JournalRecord[]}
 */
export function readJournal(path) {
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

/**
 * @param {string} path
 * @param {{offset: number}} known
 */
function readFrom(path, known) {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(64 * 1024)
    let text = ''
    for (;;) {
      const count = readSync(file, buffer, 0, buffer.length, known.offset)
      if (count === 0) return text
      known.offset += count
      text += buffer.toString('latin1', 0, count)
    }
  } finally {
    closeSync(file)
  }
}
