import type {EntryKind, Link} from './registry.js'
import type {TaskRecord} from './task-record.js'

/**
 * Where the records of tasks and names are kept, as `TaskRegistry` needs it: each read and replaced in one conditional step.
 *
 * @typeParam V what a record is known again by.
 */
export interface TaskTable<V> {
  /** What stands there at an instant after the call. @throws TASK_ID_INVALID, REGISTRY_DAMAGED, REGISTRY_COLLISION */
  read(kind: EntryKind, id: string): Promise<StoredTask<V> | undefined>

  /**
   * Writes when the record there is of the version `replaces`, or, without one, when there is none.
   *
   * @returns false when the condition did not hold, or an earlier try of this very write made it so: look what is there.
   */
  write(record: TaskRecord, replaces: V | undefined): Promise<boolean>

  /** Before a record names a session for the first time: `holding` finds the record from then on. Idempotent. */
  mark(link: Link): Promise<void>

  /** Every record that may hold the session, and maybe some that do not any more. One that cannot be read is left out. */
  holding(sessionId: string): Promise<readonly TaskRecord[]>

  /** Every record, in no promised order. One that cannot be read is left out. */
  list(): AsyncIterable<TaskRecord>
}

export interface StoredTask<V> {
  readonly record: TaskRecord
  readonly version: V
}
