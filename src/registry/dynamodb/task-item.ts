import type {EntryKind} from '../registry.js'
import {checkTaskRecord, FACTS, type TaskRecord} from '../task-record.js'
import {fromAttribute, type Item, numberOf, type Plain, textOf} from './attributes.js'
import {SESSION} from './keys.js'
import {attributeOf, FORMAT, KIND, VERSION} from './own-attributes.js'

const MEMBERS = ['earlier', ...FACTS, 'createdAt', 'updatedAt'] as const
/** What a record is read from. */
export const TASK_ATTRIBUTES: readonly string[] = [SESSION, KIND, VERSION, ...MEMBERS.map(attributeOf)]
/** Of a link that another program made: it says no times. */
const UNKNOWN_TIME = new Date(0).toISOString()

/** All attributes of ours, those included that the record does not have any more. */
export function attributesOf(record: TaskRecord): Readonly<Record<string, Plain | undefined>> {
  const members = MEMBERS.map((member) => [attributeOf(member), record[member] as Plain | undefined] as const)
  return {[SESSION]: record.sessionId, [KIND]: record.kind, [VERSION]: FORMAT, ...Object.fromEntries(members)}
}

/**
 * The record in an item. Of one in which another program has set the session, and nothing else of ours, the link alone.
 *
 * @returns undefined where there is none; `damaged` where it cannot be read.
 */
export function recordOf(item: Item, kind: EntryKind, id: string): TaskRecord | 'damaged' | undefined {
  const sessionId = textOf(item, SESSION)
  const version = numberOf(item, VERSION)
  if (version === undefined) {
    if (item[SESSION] === undefined) return undefined
    const link = {version: FORMAT, kind, id, sessionId, earlier: [], createdAt: UNKNOWN_TIME, updatedAt: UNKNOWN_TIME}
    return checkTaskRecord(link) ?? 'damaged'
  }
  const members = MEMBERS.map((member) => [member, fromAttribute(item[attributeOf(member)])] as const)
  const given = Object.fromEntries(members.filter(([, value]) => value !== undefined))
  const isOurs = textOf(item, KIND) === kind
  return (
    (isOurs
      ? checkTaskRecord({version, kind, id, ...(sessionId !== undefined && {sessionId}), ...given})
      : undefined) ?? 'damaged'
  )
}
