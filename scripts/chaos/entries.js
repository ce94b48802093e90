import {createHash} from 'node:crypto'

/** Entries of a run are made from their names alone, so that whoever reads a journal can send or recognise them. */

/**
 * `id`: with a `uuid`, stored once however often it is sent. `plain`: without, stored as often as it is sent. `metadata`: an
 * `agent_metadata` entry.
 * @typedef {'id' | 'plain' | 'metadata'} Kind
 */

/** @type {Record<string, Kind>} */
const KINDS = {i: 'id', p: 'plain', m: 'metadata'}

/**
 * @param {Kind} kind
 * @param {string} process
 * @param {number} number
 */
export function entryName(kind, process, number) {
  return `${kind[0]}-${process}-${number}`
}

/** @param {string} name */
export function kindOf(name) {
  return KINDS[name[0] ?? '']
}

/** @param {string} name */
export function entryOf(name) {
  const digest = createHash('sha256').update(name).digest('hex')
  const text = digest.repeat(1 + (Number.parseInt(digest.slice(0, 2), 16) % 24))
  switch (kindOf(name)) {
    case 'id': {
      const uuid = [
        digest.slice(0, 8),
        digest.slice(8, 12),
        digest.slice(12, 16),
        digest.slice(16, 20),
        digest.slice(20, 32),
      ]
      return {type: 'user', uuid: uuid.join('-'), name, message: {role: 'user', content: text}}
    }
    case 'plain':
      return {type: 'mode', name, text}
    case 'metadata':
      return {type: 'agent_metadata', agentType: 'chaos', name}
    default:
      throw new Error(`no entry is named ${name}`)
  }
}
