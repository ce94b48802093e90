import type {Clock, Random} from '../base/clock.js'
import {hasCode, RepriseError} from '../base/errors.js'
import {listAll} from '../object-store/list-all.js'
import {CREATE, type ObjectStore, type PutMode} from '../object-store/object-store.js'
import {readObject} from '../object-store/read-object.js'
import type {AssignOptions, Entry, EntryKind, Link, Registry} from './registry.js'
import {checkSessionId, markKey, markPrefix, recordKey, recordOfMark, recordPrefix} from './task-key.js'
import {decodeTaskRecord, encodeTaskRecord, entryOf, linked, type TaskRecord, unlinked} from './task-record.js'

const MAX_RECORD_BYTES = 256 * 1024
const MAX_TRIES = 20
const LONGEST_PAUSE_MS = 200

export interface StoreRegistryContext {
  /** The part of the store that the sessions lie in: placeholders resolved, prefix taken off. */
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
}

interface Found {
  readonly record: TaskRecord
  readonly etag: string
}

/** The registry in the store itself: a record is one object, changed by conditional writes alone. */
export class StoreRegistry implements Registry {
  readonly #context: StoreRegistryContext

  constructor(context: StoreRegistryContext) {
    this.#context = context
  }

  async find(kind: EntryKind, id: string): Promise<Entry | undefined> {
    const found = await this.#read(kind, id)
    return found && entryOf(found.record)
  }

  async findBySession(sessionId: string): Promise<readonly Entry[]> {
    const marks = await listAll(this.#context.store, {prefix: markPrefix(sessionId)})
    const keys = marks.objects.flatMap(({key}) => recordOfMark(key, sessionId) ?? [])
    const entries: Entry[] = []
    for (const key of keys) {
      const entry = await this.#entryAt(key)
      if (entry && [entry.sessionId, ...entry.earlier].includes(sessionId)) entries.push(entry)
    }
    return entries.toSorted(byKindThenId)
  }

  async *list(): AsyncIterable<Entry> {
    for (const kind of ['task', 'name'] as const) {
      const {objects} = await listAll(this.#context.store, {prefix: recordPrefix(kind)})
      for (const {key} of objects) {
        const entry = await this.#entryAt(key)
        if (entry) yield entry
      }
    }
  }

  async assign(link: Link, options: AssignOptions): Promise<Entry> {
    checkSessionId(link.sessionId)
    const key = recordKey(link.kind, link.id)
    let marked = false
    return this.#change(link.kind, link.id, async (found) => {
      checkMode(found, link, options)
      if (!marked && found?.sessionId !== link.sessionId) await this.#mark(link)
      marked = true
      const record = linked(found, link, options.mode === 'move' ? 'new' : 'keep', this.#now())
      return {record, result: definite(entryOf(record), key)}
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
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const found = await this.#read(kind, id)
      const {record, result} = await decide(found?.record)
      if (!record) return result
      const mode: PutMode = found ? {type: 'update', etag: found.etag} : CREATE
      if (await this.#put(recordKey(kind, id), record, mode)) return result
      await this.#context.clock.sleep(this.#pause(tries))
    }
    throw contended(kind, id)
  }

  async #read(kind: EntryKind, id: string): Promise<Found | undefined> {
    const key = recordKey(kind, id)
    const object = await readObject(this.#context.store, key, {limit: MAX_RECORD_BYTES})
    if (!object) return undefined
    const record = decodeTaskRecord(object.bytes)
    if (!record) throw damaged(key)
    if (record.kind !== kind || record.id !== id) throw collision(key, record)
    return {record, etag: object.etag}
  }

  /** For listings: what cannot be read there has nobody asking for it by name. */
  async #entryAt(key: string): Promise<Entry | undefined> {
    const object = await readObject(this.#context.store, key, {limit: MAX_RECORD_BYTES}).catch((error: unknown) => {
      if (hasCode(error, 'OBJECT_TOO_LARGE')) return undefined
      throw error
    })
    const record = object && decodeTaskRecord(object.bytes)
    return record && isAt(record, key) ? entryOf(record) : undefined
  }

  /** @returns false when the condition did not hold: look what is there. */
  async #put(key: string, record: TaskRecord, mode: PutMode): Promise<boolean> {
    try {
      await this.#context.store.put(key, encodeTaskRecord(record), {mode, contentType: 'application/json'})
      return true
    } catch (error) {
      if (hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED', 'STORE_CONFLICT')) return false
      throw error
    }
  }

  async #mark({sessionId, kind, id}: Link): Promise<void> {
    const key = markKey(sessionId, kind, id)
    const options = {mode: CREATE, contentType: 'text/plain'}
    await this.#context.store.put(key, new Uint8Array(0), options).catch((error: unknown) => {
      if (!hasCode(error, 'OBJECT_EXISTS', 'STORE_CONFLICT')) throw error
    })
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

function isAt(record: TaskRecord, key: string): boolean {
  try {
    return recordKey(record.kind, record.id) === key
  } catch {
    return false
  }
}

function byKindThenId(a: Entry, b: Entry): number {
  if (a.kind !== b.kind) return a.kind === 'task' ? -1 : 1
  return a.id < b.id ? -1 : 1
}

function definite(entry: Entry | undefined, key: string): Entry {
  if (entry) return entry
  throw new Error(`${key} was linked to no session`)
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

function damaged(key: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'REGISTRY_DAMAGED',
    message: `${key} is no record of a task or name that this reprise can read.`,
    suggestions: ['Update reprise on this machine.', 'reprise doctor'],
  })
}

/** Two ids of which one was cut: nobody meets this by chance. */
function collision(key: string, record: TaskRecord): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'REGISTRY_COLLISION',
    message: `${key} is the record of ${record.kind} ${JSON.stringify(record.id.slice(0, 200))}.`,
    suggestions: ['Use another id.', 'reprise doctor'],
    details: {key},
  })
}
