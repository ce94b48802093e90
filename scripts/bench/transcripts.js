import {createHash} from 'node:crypto'
import {appendFileSync, closeSync, mkdirSync, openSync, writeSync} from 'node:fs'
import {dirname, join} from 'node:path'

const WORDS =
  'the a one file test line change error build part store read write open close when then that this with from into over path list name value result function return const await string number object check again before after first last while until because'.split(
    ' ',
  )

/**
 * The same ids and texts in every run: figures of two runs differ by the machine and the code alone.
 * @param {string} text
 */
export function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** @typedef {{configDir: string, projectKey: string, sessionId: string}} Place */

/** @param {Place} place */
export function transcriptOf({configDir, projectKey, sessionId}) {
  return join(configDir, 'projects', projectKey, `${sessionId}.jsonl`)
}

/**
 * Makes a session of about `bytes`: prompts and answers of some hundred bytes, and now and then a tool's output of 32 KB.
 * @param {Place} place
 * @param {number} bytes
 */
export function makeSession(place, bytes) {
  const path = transcriptOf(place)
  mkdirSync(dirname(path), {recursive: true})
  const file = openSync(path, 'w')
  try {
    let written = 0
    for (let turn = 0; written < bytes; turn++) {
      const length = turn % 16 === 15 ? 32_768 : 200 + ((turn * 97) % 1_500)
      written += writeSync(file, entry(place.sessionId, turn, Math.min(length, Math.max(bytes - written - 400, 40))))
    }
  } finally {
    closeSync(file)
  }
  return path
}

/**
 * A turn of about `bytes` more.
 * @param {Place} place
 * @param {number} bytes
 * @param {string} label distinguishes it from earlier ones
 */
export function growSession(place, bytes, label) {
  let text = ''
  for (let turn = 0; text.length < bytes; turn++) {
    text += entry(`${place.sessionId}/${label}`, turn, Math.min(900, Math.max(bytes - text.length - 400, 40)))
  }
  appendFileSync(transcriptOf(place), text)
}

/**
 * @param {string} seed
 * @param {number} turn
 * @param {number} length of the text in it
 */
function entry(seed, turn, length) {
  const type = turn % 2 === 0 ? 'user' : 'assistant'
  const id = uuidOf(`${seed}:${turn}`)
  const said = prose(turn, length)
  const message =
    type === 'user'
      ? {role: 'user', content: said}
      : {role: 'assistant', id: `msg_${id.slice(0, 8)}`, model: 'claude', content: [{type: 'text', text: said}]}
  return `${JSON.stringify({
    parentUuid: turn === 0 ? null : uuidOf(`${seed}:${turn - 1}`),
    isSidechain: false,
    type,
    uuid: id,
    timestamp: new Date(1_750_000_000_000 + turn * 1_000).toISOString(),
    cwd: '/home/dev/project',
    sessionId: seed.slice(0, 36),
    version: '2.1.329',
    gitBranch: 'main',
    message,
  })}\n`
}

/**
 * @param {number} seed
 * @param {number} length
 */
function prose(seed, length) {
  let text = ''
  for (let at = seed * 31; text.length < length; at = (at * 1_103_515_245 + 12_345) % 2_147_483_648) {
    text += `${WORDS[at % WORDS.length]} `
  }
  return text.slice(0, length)
}
