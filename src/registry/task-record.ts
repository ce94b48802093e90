import * as v from 'valibot'
import {RepriseError} from '../base/errors.js'
import {isShallow} from '../base/shallow.js'
import {isSessionId} from '../transcript/session-id.js'
import type {Entry, Facts, Link} from './registry.js'

/** A chain that grew longer forgets its oldest sessions, so that a record stays small. */
const LONGEST_CHAIN = 1000

/** Members that others added are written again by an update, and deeper nesting than this is no work of a program. */
const DEEPEST = 100

const SessionId = v.pipe(v.string(), v.check(isSessionId))
const Text = v.optional(v.pipe(v.string(), v.maxLength(4096)))
const Word = v.optional(v.pipe(v.string(), v.maxLength(256)))
const Amount = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)))

/**
 * The content of `.reprise/tasks/{task}.json` and `.reprise/names/{name}.json`. Loose: what a later version of this program, or
 * another one, added stays through an update. An unlinked record has no `sessionId` and stays, so that unlinking is a
 * conditional write like every other step.
 */
const RecordSchema = v.looseObject({
  version: v.literal(1),
  kind: v.picklist(['task', 'name']),
  id: v.string(),
  sessionId: v.optional(SessionId),
  earlier: v.pipe(v.array(SessionId), v.maxLength(LONGEST_CHAIN)),
  homeKey: Text,
  cwd: Text,
  agent: Word,
  store: Text,
  machine: Word,
  status: Word,
  git: v.optional(v.looseObject({branch: Text, commit: Word})),
  launch: v.optional(v.looseObject({version: Word, print: v.optional(v.boolean())})),
  costUsd: Amount,
  durationMs: Amount,
  createdAt: v.pipe(v.string(), v.isoTimestamp()),
  updatedAt: v.pipe(v.string(), v.isoTimestamp()),
})

export type TaskRecord = v.InferOutput<typeof RecordSchema>

export function encodeTaskRecord(record: TaskRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record)}\n`)
}

/** @returns undefined for bytes that are no record of a version that this code knows. */
export function decodeTaskRecord(bytes: Uint8Array): TaskRecord | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return isShallow(value, DEEPEST) ? checkTaskRecord(value) : undefined
  } catch {
    return undefined
  }
}

/** @returns undefined for what is no record of a version that this code knows. */
export function checkTaskRecord(value: unknown): TaskRecord | undefined {
  const parsed = v.safeParse(RecordSchema, value)
  return parsed.success ? parsed.output : undefined
}

/** @param where the record lies, as people find it. */
export function taskDamaged(where: string): RepriseError {
  return new RepriseError({
    kind: 'bad-data',
    code: 'REGISTRY_DAMAGED',
    message: `${where} is no record of a task or name that this reprise can read.`,
    suggestions: ['Update reprise on this machine.', 'reprise doctor'],
  })
}

/** @returns undefined for a record that was unlinked. */
export function entryOf(record: TaskRecord): Entry | undefined {
  const {kind, id, sessionId, earlier, createdAt, updatedAt} = record
  if (sessionId === undefined) return undefined
  return {kind, id, sessionId, earlier, ...factsOf(record), createdAt, updatedAt}
}

/** The record after a link. Facts are those of the current session: another session begins with none but the given ones. */
export function linked(found: TaskRecord | undefined, link: Link, chain: 'keep' | 'new', now: string): TaskRecord {
  const same = found?.sessionId === link.sessionId
  const before = found === undefined || chain === 'new' ? [] : [...found.earlier, ...present(found.sessionId)]
  return {
    ...(same ? found : withoutFacts(found)),
    version: 1,
    kind: link.kind,
    id: link.id,
    sessionId: link.sessionId,
    earlier: before.filter((each) => each !== link.sessionId).slice(-LONGEST_CHAIN),
    ...factsOf(link),
    createdAt: found?.sessionId === undefined ? now : found.createdAt,
    updatedAt: now,
  }
}

export function unlinked({sessionId: _gone, ...rest}: TaskRecord, now: string): TaskRecord {
  return {...withoutFacts(rest), version: 1, kind: rest.kind, id: rest.id, earlier: [], createdAt: now, updatedAt: now}
}

/** Members of a record that say something of its current session. */
export const FACTS = [
  'homeKey',
  'cwd',
  'agent',
  'store',
  'machine',
  'status',
  'git',
  'launch',
  'costUsd',
  'durationMs',
] as const

/**
 * What a record can hold of them: with one that is too long, or no number, it could not be read again, and the session that it leads to is
 * worth more than a fact. JSON has no undefined members, and what comes from a caller loses its own here.
 */
function factsOf(source: Facts | TaskRecord): Facts {
  const facts = source as Facts
  return Object.fromEntries(
    FACTS.flatMap((key) => {
      const fits = facts[key] !== undefined && v.safeParse(RecordSchema.entries[key], facts[key]).success
      return fits ? [[key, facts[key]]] : []
    }),
  )
}

function withoutFacts(record: object | undefined): object {
  const facts: ReadonlySet<string> = new Set(FACTS)
  return Object.fromEntries(Object.entries(record ?? {}).filter(([key]) => !facts.has(key)))
}

function present(sessionId: string | undefined): readonly string[] {
  return sessionId === undefined ? [] : [sessionId]
}
