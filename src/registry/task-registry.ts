import {isDeepStrictEqual} from 'node:util'
import type {Clock, Random} from '../base/clock.js'
import {RepriseError} from '../base/errors.js'
import type {AssignOptions, Entry, EntryKind, Link, Registry} from './registry.js'
import {checkEntryId, checkSessionId} from './task-key.js'
import {entryOf, linked, type TaskRecord, unlinked} from './task-record.js'
import type {TaskTable} from './task-table.js'

const MAX_TRIES = 20
const LONGEST_PAUSE_MS = 200

export interface TaskRegistryContext {
  readonly clock: Clock
  readonly random: Random
}

/** The registry over any table of records: each changed by conditional writes alone. */
export class TaskRegistry<V> implements Registry {
  readonly #table: TaskTable<V>
  readonly #context: TaskRegistryContext

  constructor(table: TaskTable<V>, context: TaskRegistryContext) {
    this.#table = table
    this.#context = context
  }

  async find(kind: EntryKind, id: string): Promise<Entry | undefined> {
    checkEntryId(kind, id)
    const found = await this.#table.read(kind, id)
    return found && entryOf(found.record)
  }

  async findBySession(sessionId: string): Promise<readonly Entry[]> {
    checkSessionId(sessionId)
    const entries = (await this.#table.holding(sessionId)).flatMap((record) => entryOf(record) ?? [])
    return entries.filter((entry) => [entry.sessionId, ...entry.earlier].includes(sessionId)).toSorted(byKindThenId)
  }

  async *list(): AsyncIterable<Entry> {
    for await (const record of this.#table.list()) {
      const entry = entryOf(record)
      if (entry) yield entry
    }
  }

  async assign(link: Link, options: AssignOptions): Promise<Entry> {
    checkSessionId(link.sessionId)
    let marked = false
    return this.#change(link.kind, link.id, async (found) => {
      checkMode(found, link, options)
      if (!marked && found?.sessionId !== link.sessionId) await this.#table.mark(link)
      marked = true
      const record = linked(found, link, options.mode === 'move' ? 'new' : 'keep', this.#now())
      return {record, result: definite(entryOf(record))}
    })
  }

  async unlink(kind: EntryKind, id: string): Promise<Entry | undefined> {
    return this.#change(kind, id, async (found) => {
      const entry = found && entryOf(found)
      return {record: found && entry && unlinked(found, this.#now()), result: entry}
    })
  }

  /** Reads, decides, writes under the condition that nothing changed in between; a lost race is decided again. */
  async #change<T>(
    kind: EntryKind,
    id: string,
    decide: (found: TaskRecord | undefined) => Promise<{readonly record: TaskRecord | undefined; readonly result: T}>,
  ): Promise<T> {
    checkEntryId(kind, id)
    let tried: {readonly record: TaskRecord; readonly result: T} | undefined
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = await this.#table.read(kind, id)
      // It was written after all, and only the answer to that was lost.
      if (tried && isDeepStrictEqual(tried.record, found?.record)) return tried.result
      const {record, result} = await decide(found?.record)
      if (!record) return result
      if (await this.#table.write(record, found?.version)) return result
      tried = {record, result}
      await this.#context.clock.sleep(this.#pause(tries))
    }
    throw contended(kind, id)
  }

  /** Longer after each lost race, and random, so that racing writers fall out of step. */
  #pause(tries: number): number {
    const [byte = 0] = this.#context.random.bytes(1)
    return Math.min(LONGEST_PAUSE_MS, 2 ** Math.min(tries, 8)) * (byte / 256)
  }

  #now(): string {
    return new Date(this.#context.clock.now()).toISOString()
  }
}

/** Which of the modes allow this link on top of what is there. */
function checkMode(found: TaskRecord | undefined, link: Link, {mode, after}: AssignOptions): void {
  if (found?.sessionId === undefined || found.sessionId === link.sessionId || mode === 'move') return
  if (mode === 'append' && (after === undefined || after === found.sessionId)) return
  throw taken(link, found.sessionId)
}

function byKindThenId(a: Entry, b: Entry): number {
  if (a.kind !== b.kind) return a.kind === 'task' ? -1 : 1
  return a.id < b.id ? -1 : 1
}

function definite(entry: Entry | undefined): Entry {
  if (entry) return entry
  throw new Error('a link has a session')
}

function taken({kind, id}: Link, sessionId: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'TASK_TAKEN',
    message: `The ${kind} ${JSON.stringify(id)} is linked to session ${sessionId}.`,
    suggestions: [`Link it to the other session all the same: reprise link --move`, `Go on with it: reprise resume`],
    details: {kind, id, sessionId},
  })
}

function contended(kind: EntryKind, id: string): RepriseError {
  return new RepriseError({
    kind: 'conflict',
    code: 'REGISTRY_CONTENDED',
    message: `The ${kind} ${JSON.stringify(id)} changes faster than it can be read.`,
    suggestions: ['Run the command again.'],
  })
}
