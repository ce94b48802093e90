import type {EntryKind} from '../registry.js'

/*
 * Items of ours, by the table's key (docs/registry.md). A task's item is the one that the fleet itself may have for it, so its key is
 * the task's id as it is; the others stand beside the tasks.
 */

/** The table's partition key, a text. */
export const KEY = 'task_id'
/** The key of the index: the session that is current for a task or name, or that a lease is of. */
export const SESSION = 'claude_session_id'

const NAME = 'name#'
const LEASE = 'session#'
const CHAIN = 'chain#'
/** Before ids of tasks that look like another item of ours. */
const TASK = 'task#'

export function entryKey(kind: EntryKind, id: string): string {
  if (kind === 'name') return NAME + id
  return [NAME, LEASE, CHAIN, TASK].some((prefix) => id.startsWith(prefix)) ? TASK + id : id
}

/** Whose record an item is; undefined for items of other kinds. */
export function entryOfKey(key: string): {readonly kind: EntryKind; readonly id: string} | undefined {
  if (key.startsWith(LEASE) || key.startsWith(CHAIN)) return undefined
  if (key.startsWith(NAME)) return {kind: 'name', id: key.slice(NAME.length)}
  return {kind: 'task', id: key.startsWith(TASK) ? key.slice(TASK.length) : key}
}

export function leaseKey(sessionId: string): string {
  return LEASE + sessionId
}

export function sessionOfLeaseKey(key: string): string | undefined {
  return key.startsWith(LEASE) ? key.slice(LEASE.length) : undefined
}

/** The item that names all entries whose chain may hold the session. */
export function chainKey(sessionId: string): string {
  return CHAIN + sessionId
}
