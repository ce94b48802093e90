import {RepriseError} from '../base/errors.js'
import {sha256Hex} from '../base/hash.js'
import {isSafeSegment, OWN_PREFIX, TASK_PREFIX} from '../store/names.js'
import {isSessionId} from '../transcript/session-id.js'
import type {EntryKind} from './registry.js'

/*
 * Keys of the store registry (docs/store-format.md):
 *
 *   .reprise/tasks/{encoded task}.json                        the record of a task
 *   .reprise/names/{encoded name}.json                        the record of a name
 *   .reprise/chains/{sessionId}/{task|name}-{encoded id}      empty: that record's chain may hold this session
 *
 * Two prefixes, so that a task and a name of the same text are two records. A mark under `chains/` is written before the
 * record that names its session and is a hint alone: whoever follows it reads the record, and it outlives an unlink.
 */

const NAME_PREFIX = `${OWN_PREFIX}names/`
const CHAIN_PREFIX = `${OWN_PREFIX}chains/`
const PREFIXES: Readonly<Record<EntryKind, string>> = {task: TASK_PREFIX, name: NAME_PREFIX}

const MAX_CHARACTERS = 128
const MAX_ENCODED = 180
const KEPT = 140

export function recordPrefix(kind: EntryKind): string {
  return PREFIXES[kind]
}

/** @throws TASK_ID_INVALID */
export function recordKey(kind: EntryKind, id: string): string {
  checkEntryId(kind, id)
  return `${PREFIXES[kind]}${encodeTaskId(id)}.json`
}

/** Below it lies one mark for each record whose chain may hold the session. @throws SESSION_ID_INVALID */
export function markPrefix(sessionId: string): string {
  checkSessionId(sessionId)
  return `${CHAIN_PREFIX}${sessionId}/`
}

export function markKey(sessionId: string, kind: EntryKind, id: string): string {
  return `${markPrefix(sessionId)}${kind}-${encodeTaskId(id)}`
}

/** The key of the record that a mark speaks of; undefined when the key is no mark of a session's. */
export function recordOfMark(key: string, sessionId: string): string | undefined {
  const mark = key.slice(markPrefix(sessionId).length)
  const kind = (['task', 'name'] as const).find((each) => mark.startsWith(`${each}-`))
  if (kind === undefined) return undefined
  const encoded = mark.slice(kind.length + 1)
  return isSafeSegment(encoded) ? `${PREFIXES[kind]}${encoded}.json` : undefined
}

/**
 * A task or name as one segment of a key: percent-encoded (UTF-8) outside `[A-Za-z0-9_-]`. What is longer than 180 then is its
 * first 140, `-`, and 32 hex digits of the SHA-256 of the id; records hold the id itself. An encoded byte counts as five: that
 * is what a file store, which escapes the `%` again, needs for it in a file's name.
 */
export function encodeTaskId(id: string): string {
  const pieces = [...Buffer.from(id)].map((byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  })
  const start = upTo(MAX_ENCODED, pieces)
  if (start.length === pieces.length) return pieces.join('')
  return `${upTo(KEPT, pieces).join('')}-${sha256Hex(id).slice(0, 32)}`
}

function upTo(limit: number, pieces: readonly string[]): readonly string[] {
  let length = 0
  const end = pieces.findIndex((piece) => (length += piece.length === 1 ? 1 : 5) > limit)
  return end === -1 ? pieces : pieces.slice(0, end)
}

/** @throws TASK_ID_INVALID */
export function checkEntryId(kind: EntryKind, id: string): void {
  const problem = problemOf(kind, id)
  if (problem === undefined) return
  throw new RepriseError({
    kind: 'usage',
    code: 'TASK_ID_INVALID',
    message: `The ${kind} ${JSON.stringify(id.slice(0, 80))} ${problem}.`,
    suggestions: [`A ${kind} has 1 to ${MAX_CHARACTERS} characters${kind === 'name' ? ' and is no UUID' : ''}.`],
  })
}

function problemOf(kind: EntryKind, id: string): string | undefined {
  if (id === '') return 'is empty'
  if (!id.isWellFormed()) return 'is no well-formed text'
  if (Array.from(id).length > MAX_CHARACTERS) return `has more than ${MAX_CHARACTERS} characters`
  // People type names where session ids stand too; a task id is its program's business.
  if (kind === 'name' && isSessionId(id)) return 'looks like a session id'
  return undefined
}

/** @throws SESSION_ID_INVALID */
export function checkSessionId(sessionId: string): void {
  if (isSessionId(sessionId)) return
  throw new RepriseError({
    kind: 'usage',
    code: 'SESSION_ID_INVALID',
    message: `${JSON.stringify(sessionId.slice(0, 80))} is no session id.`,
    suggestions: ['A session id is a UUID: reprise ls --ids-only lists them.'],
  })
}
