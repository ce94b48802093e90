/**
 * The port through which tasks and names find their sessions. Adapters: `StoreRegistry` (objects of the store itself), and one
 * for items in a table of DynamoDB.
 * The suite in test/support/registry-suite.ts is the definition of an adapter; this file says it in words.
 *
 * What a registry holds was written by anybody who may write to it. It is shown and compared; it never becomes a flag, a
 * variable of the environment, shell text, or a path that is written to.
 */
export interface Registry {
  /** @returns undefined when nothing is linked to it. @throws REGISTRY_DAMAGED, REGISTRY_COLLISION */
  find(kind: EntryKind, id: string): Promise<Entry | undefined>

  /** Every entry whose chain holds the session: tasks before names, then by id. One that cannot be read is left out. */
  findBySession(sessionId: string): Promise<readonly Entry[]>

  /** Every entry, in no promised order. One that cannot be read is left out. */
  list(): AsyncIterable<Entry>

  /**
   * Links a task or a name to a session, in one conditional step: of racing callers each sees the others' result or wins.
   * To link the current session again updates the fields that are given, in every mode. Safe to repeat after a failure.
   *
   * @throws TASK_TAKEN as the mode says, TASK_ID_INVALID, SESSION_ID_INVALID, REGISTRY_CONTENDED.
   */
  assign(link: Link, options: AssignOptions): Promise<Entry>

  /**
   * Forgets a task or a name; its sessions stay where they are. Idempotent.
   *
   * @returns what was linked, undefined when nothing was.
   */
  unlink(kind: EntryKind, id: string): Promise<Entry | undefined>
}

/** A `task` is a piece of work as the calling program names it; a `name` is the same for people. */
export type EntryKind = 'task' | 'name'

/** A task or name, and the sessions that it has had. */
export interface Entry extends Facts {
  readonly kind: EntryKind
  readonly id: string
  /** The last session of the chain: the one to resume. */
  readonly sessionId: string
  /** The rest of the chain, oldest first, each once. */
  readonly earlier: readonly string[]
  /** ISO 8601 UTC, by the clock of the machine that wrote. */
  readonly createdAt: string
  readonly updatedAt: string
}

/**
 * What is known of the current session, as its last writer said it. A fact that a record cannot hold (a text of more than 4,096 characters,
 * a word of more than 256, a number that is none or below 0) is left out.
 */
export interface Facts {
  readonly homeKey?: string
  readonly cwd?: string
  /** `claude`, `codex`. */
  readonly agent?: string
  /** The store's URL, without credentials. */
  readonly store?: string
  readonly machine?: string
  /** One word, e.g. `running`, `ended`. */
  readonly status?: string
  readonly git?: {readonly branch?: string; readonly commit?: string}
  /** How the agent was started last; never its arguments. */
  readonly launch?: {readonly version?: string; readonly print?: boolean}
  /** What the session has cost so far in US dollars, as the agent estimates it. */
  readonly costUsd?: number
  /** How long the agent worked on it, in its last run. */
  readonly durationMs?: number
}

/** A task or name that is to lead to a session, and what is to be known of that one. */
export interface Link extends Facts {
  readonly kind: EntryKind
  readonly id: string
  readonly sessionId: string
}

/** What becomes of a chain that is there already. */
export interface AssignOptions {
  /**
   * - `create`: TASK_TAKEN when it is linked to another session.
   * - `append`: the session goes to the chain's end; one that was in it already moves there. Begins a chain where there is none.
   * - `move`: the chain begins anew with this session.
   */
  readonly mode: 'create' | 'append' | 'move'
  /** With `append`: TASK_TAKEN unless this is the chain's current session at the instant of the write, or there is none. */
  readonly after?: string
}
